"""How little is unknown of a label once the source class that the network sees is known."""

import numpy as np

from regraft.transferability.score import Measured, Sample, order_free, source_of


@order_free
def measure(sample: Sample) -> Measured:
    """Minus the conditional entropy of labels given the most probable source class, in nats; 0 at best.

    Source: Tran et al. 2019, 1908.08142.
    Differs: source labels are what the network's head predicts, as the images have no others.
    Cost: n z operations for z source classes.
    """
    seen = source_of(sample).argmax(axis=1)
    joint = np.zeros((sample.class_count, int(seen.max()) + 1))
    np.add.at(joint, (sample.labels, seen), 1)
    return Measured.mean(np.log(joint[sample.labels, seen] / joint.sum(axis=0)[seen]))
