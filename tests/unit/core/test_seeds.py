from regraft.core.seeds import derive_seed, generator


def test_a_purpose_has_its_own_numbers() -> None:
    first = generator(0, "split").random(3).tolist()
    assert generator(0, "split").random(3).tolist() == first
    assert generator(0, "folds").random(3).tolist() != first
    assert generator(1, "split").random(3).tolist() != first


def test_seeds_fit_32_bits_and_differ() -> None:
    seeds = {derive_seed(seed, "purpose", number) for seed in range(30) for number in range(30)}
    assert len(seeds) == 900
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_a_purpose_of_two_words_is_not_one_word() -> None:
    assert derive_seed(0, "a", "b") != derive_seed(0, "ab")
    assert derive_seed(0, 1) != derive_seed(0, "1")
