"""Hub repositories from the client's own cache, without a network."""

import json
import os
import subprocess
import sys
from pathlib import Path

import timm
from safetensors.torch import save_file

SCRIPT = """
import sys, time
from regraft.backbones.sources import build, identify
from regraft.core.errors import BackboneError
import timm
for name in sys.argv[1:]:
    started = time.monotonic()
    try:
        network, card = build(identify(name))
        print(card.name, card.stages[-1].width, card.pretrained_on, len(card.sha256))
    except BackboneError as error:
        print(error)
    print(time.monotonic() - started < 15)
"""


def run(home: Path, *names: str) -> list[str]:
    """In a process of its own, since the hub client reads the variables when it is imported."""
    proxies = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    without = {key: value for key, value in os.environ.items() if key.lower() not in proxies}
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(home)}
    command = [sys.executable, "-c", SCRIPT, *names]
    done = subprocess.run(command, env=without | nowhere, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()


def test_what_was_fetched_before_needs_no_network_and_what_was_not_is_said_at_once(tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--someone--net"
    snapshot = repository / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123")
    network = timm.create_model("test_resnet", num_classes=5)
    save_file(network.state_dict(), snapshot / "model.safetensors")
    config = {"architecture": "test_resnet", "num_classes": 5, "pretrained_cfg": {"num_classes": 5}}
    (snapshot / "config.json").write_text(json.dumps(config))
    found, quick, message, also_quick = run(tmp_path, "hub:someone/net", "hub:someone/other")
    assert (found, quick) == ("hub:someone/net 96 someone/net 64", "True")
    assert "weights of hub:someone/other could not be fetched from the hub" in message
    assert "use lite0, lite1 or lite2, or name a local file: 'timm:ARCHITECTURE@weights" in message
    assert also_quick == "True"
