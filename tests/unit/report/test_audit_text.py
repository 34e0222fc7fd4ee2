from regraft.report import audit_text


def test_sound_images(sound):
    assert audit_text(sound).splitlines() == [
        "50 images in 2 classes.",
        "+ Nothing was found that would make results look better than they are.",
        "  dog                            20",
        "  cat                            30",
        "Sizes: 1 x 5 to 4 x 7 pixels, median 2.5 x 6.",
        "Kinds: PNG RGB (50).",
    ]


def test_what_is_wrong_comes_first_with_examples_as_seen_from_the_folder(faulty):
    lines = audit_text(faulty).splitlines()
    assert lines[1].startswith("! 1 picture is stored under different labels")
    assert lines[2] == "    cat/1.png = dog/2.png"
    assert [line[0] for line in lines if line[0] in "!-+"] == sorted(
        line[0] for line in lines if line[0] in "!-+"
    )
    assert "    /photos/cat/cut.png: it is cut short" in lines


def test_parts_domains_and_groups_are_counted(sound):
    shown = audit_text(
        sound | {"parts": {"train": 30, "test": 20}, "groups": 4, "domains": {"day": 30, "night": 20}}
    )
    assert "Parts: train 30, test 20." in shown
    assert "Domains: day 30, night 20." in shown
    assert "Groups: 4." in shown


def test_many_classes_are_shown_by_the_smallest_and_the_largest(sound):
    shown = audit_text(sound | {"classes": {f"class {n}": n for n in range(1, 31)}})
    assert "  class 1 " in shown
    assert "  class 30 " in shown
    assert "  class 15 " not in shown
    assert "(the 6 smallest and the 6 largest of 30)" in shown


def test_without_any_usable_image_nothing_is_said_of_their_kind(sound):
    nothing = sound | {"images": 0, "classes": {"cat": 0}, "balance": None}
    nothing |= {"kinds": {}, "width_px": None, "height_px": None}
    lines = audit_text(nothing).splitlines()
    assert lines[0] == "0 images in 1 class."
    assert lines[-1] == "  cat                             0"


def test_names_cannot_rearrange_the_terminal(sound):
    shown = audit_text(
        sound
        | {
            "classes": {"\x1b[2Jcat": 50, "dog": 20},
            "copies": [["/photos/\x1b[2J.png", "/photos/b\n.png"]],
            "skipped": 1,
            "skipped_files": [{"path": "\x1b[2J.png", "reason": "it\nis damaged"}],
        }
    )
    assert "\x1b" not in shown
    assert "it?is damaged" in shown
    assert "b?.png" in shown
