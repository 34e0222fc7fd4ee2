import json
import subprocess
import sys


def regraft(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from regraft.cli import main; main()", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)


def test_real_networks_are_ranked_and_the_page_is_written(digits_folder, tmp_path):
    page = tmp_path / "rank.html"
    done = regraft("rank", digits_folder, "lite0:96px", "lite0:32px", "--page", page, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
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


def test_what_is_wrong_is_said(digits_folder, tmp_path):
    done = regraft("rank", digits_folder, "lite9")
    assert done.returncode == 1
    assert "lite9" in done.stderr
    assert "Did you mean" in done.stderr
    done = regraft("rank", digits_folder, "lite0:96px", "--max-params", "1")
    assert done.returncode == 1
    assert "4.7 million parameters, more than 1" in done.stderr
    done = regraft("rank", digits_folder, "lite0:96px", "--page", digits_folder / "page.html")
    assert done.returncode == 1
    assert "never written" in done.stderr
    assert not (digits_folder / "page.html").exists()
