def test_real_networks_are_ranked_and_the_page_is_written(regraft, digits_folder, tmp_path):
    page = tmp_path / "rank.html"
    words = ("--together", "given", "--page", page, "--json")
    found = regraft("rank", digits_folder, "lite0:96px", "lite0:32px", *words).json
    first, second = found["candidates"]
    assert found["recommended"] == first["name"]
    assert {first["name"], second["name"]} == {"lite0:96px", "lite0:32px"}
    assert first["log_loss"] < second["log_loss"]
    assert first["depths"] == "grid"  # It is in place that digits differ.
    assert first["source"]["shift"] > 0.3  # Digits are nothing like photographs.
    assert 0 < first["source"]["entropy"] < 1
    costs = {row["name"]: row["multiply_adds"] for row in found["candidates"]}
    assert costs["lite0:96px"] > 5 * costs["lite0:32px"]
    assert "lite0:32px" in page.read_text()


def test_what_is_wrong_is_said(regraft, digits_folder):
    said = regraft.fails("rank", digits_folder, "lite9")
    assert "lite9" in said
    assert "Did you mean" in said
    said = regraft.fails("rank", digits_folder, "lite0:96px", "--max-params", "1")
    assert "4.7 million parameters, more than 1" in said
    page = digits_folder / "page.html"
    assert "never written" in regraft.fails("rank", digits_folder, "lite0:96px", "--page", page)
    assert not page.exists()
