"""Responses in whatever form they come: read, checked, refused with a reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import semdev as sd
from semdev.behaviour.responses import load_simulated_children, read_responses, write_template
from semdev.behaviour.simulating import simulate_responses
from semdev.data.bundled import find_folder


def make_trials(yes, **columns):
    given_ = {"participant": [f"c{k}" for k in range(len(yes))], "age": 5.0, "item": "worm",
              "property": "has bones", "yes": yes}  # fmt: skip
    return pd.DataFrame(given_ | columns)


def test_trials_become_counts_and_no_answer_is_left_out():
    trials = make_trials([1, 0, 0.5, np.nan, "", "Yes", "kind of", "NO", True])
    trials["participant"] = ["a", "a", "a", "a", "b", "b", "b", "c", "c"]
    found = read_responses(trials)
    assert found[["participant", "n_yes", "n"]].values.tolist() == [
        ["a", 1.5, 3.0], ["b", 1.5, 2.0], ["c", 1.0, 2.0],
    ]  # fmt: skip
    assert found.columns.tolist() == [
        "study", "participant", "age", "item", "property", "n_yes", "n",
    ]  # fmt: skip
    assert (found["study"] == "").all()


def test_what_was_read_is_read_again_as_it_is(children):
    pd.testing.assert_frame_equal(
        read_responses(read_responses(children)), read_responses(children)
    )


@settings(max_examples=30, deadline=None)
@given(yes=st.lists(st.sampled_from([0, 0.5, 1, np.nan]), min_size=1, max_size=30), data=st.data())
def test_counting_loses_nothing_in_any_order(yes, data):
    trials = make_trials(yes)
    trials["participant"] = data.draw(
        st.lists(st.sampled_from("ab"), min_size=len(yes), max_size=len(yes))
    )
    if trials["yes"].isna().all():
        with pytest.raises(ValueError, match="no answer"):
            read_responses(trials)
        return
    found = read_responses(trials)
    assert found["n"].sum() == trials["yes"].notna().sum()
    assert found["n_yes"].sum() == trials["yes"].sum()
    mixed = trials.iloc[data.draw(st.permutations(range(len(trials))))]
    pd.testing.assert_frame_equal(read_responses(mixed), found)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_file_with_its_own_names_and_encoding(tmp_path, separator):
    lines = [["who", "Alter", "item", "property", "yes"], ["Zoë", "4.5", "worm", "has bones", "no"]]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(separator.join(line) for line in lines), encoding="latin-1")
    renamed = {"who": "participant", "Alter": "age"}
    found = read_responses(path, columns=renamed, encoding="latin-1", data=sd.load())
    assert found.values.tolist() == [["", "Zoë", 4.5, "worm", "has bones", 0.0, 1.0]]
    with pytest.raises(ValueError, match="no CSV file in utf-8"):
        read_responses(path)
    with pytest.raises(FileNotFoundError, match=r"did you mean 'mine.csv'"):
        read_responses(tmp_path / "mien.csv")
    with pytest.raises(KeyError, match=r"no column 'whom' in the responses .*did you mean 'who'"):
        read_responses(path, columns={"whom": "participant"}, encoding="latin-1")


def test_what_cannot_be_is_refused_with_what_to_do():
    good = make_trials([1, 0])
    with pytest.raises(KeyError, match=r"no column 'participant' .*did you mean 'participants'"):
        read_responses(good.rename(columns={"participant": "participants"}))
    with pytest.raises(KeyError, match=r"no column 'n_yes'.* either n_yes and n, or yes"):
        read_responses(good.drop(columns="yes"))
    with pytest.raises(ValueError, match=r"age is -99 in 1 of 2 rows .*above 0.*leave such rows"):
        read_responses(good.assign(age=[4, -99]))
    with pytest.raises(ValueError, match="age is nan in 1 of 2"):
        read_responses(good.assign(age=[4, None]))
    with pytest.raises(ValueError, match=r"yes is 2 in 1 of 2 .*0, .5 or 1"):
        read_responses(good.assign(yes=[2, 0]))
    with pytest.raises(ValueError, match=r"yes is 'maybe' in row 1; a number is needed .*kind of"):
        read_responses(good.assign(yes=[1, "maybe"]))
    with pytest.raises(ValueError, match="row 1 of the responses has no item"):
        read_responses(good.assign(item=["worm", None]))
    counted = good.drop(columns="yes")
    with pytest.raises(ValueError, match=r"n_yes is 3 in 1 of 2 .*between 0 and n"):
        read_responses(counted.assign(n_yes=[1, 3], n=2))
    with pytest.raises(ValueError, match="n is 0 in 2 of 2"):
        read_responses(counted.assign(n_yes=0, n=0))
    with pytest.raises(KeyError, match="no property 'has bone' in living_things; did you mean"):
        read_responses(good.assign(property="has bone"), data=sd.load())
    with pytest.raises(KeyError, match="no item 'wurm' in living_things; did you mean 'worm'"):
        read_responses(good.assign(item="wurm"), data=sd.load())


def test_the_template_shows_the_form(tmp_path):
    found = read_responses(write_template(tmp_path / "new.csv"), data=sd.load())
    assert found["n"].sum() == 6
    assert found["participant"].nunique() == 2
    with pytest.raises(FileNotFoundError, match="no folder"):
        write_template(tmp_path / "missing" / "new.csv")


@pytest.mark.slow
def test_the_bundled_children_are_what_their_page_says():
    page = (find_folder() / "simulated_children" / "README.md").read_text(encoding="utf-8")
    recipe = page.split("```python\n")[1].split("```")[0]
    path = find_folder() / "simulated_children" / "responses.csv"
    names = {"sd": sd, "simulate_responses": simulate_responses}
    recipe = recipe.replace('"responses.csv"', "path").replace("sd.simulate", "simulate")
    recipe = recipe.replace(", semdev as sd", "")
    exec(recipe, names | {"path": path}, names)
    made, bundled = read_responses(names["children"]), load_simulated_children()
    assert made.drop(columns="n_yes").equals(bundled.drop(columns="n_yes"))
    assert (made["n_yes"] != bundled["n_yes"]).sum() <= 2  # a draw beside its threshold may flip
    assert f"{int(bundled['n_yes'].sum())} of them yes" in page


def write_lines(path, *lines, encoding="utf-8"):
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


HEAD = "participant,age,item,property,yes"


def test_files_are_read_as_excel_writes_them(tmp_path):
    lines = [HEAD.replace(",", ";"), "c1;4,5;worm;has bones;0,5", "c2;5;worm;has a, b;1", ";;;;"]
    want = [["", "c1", 4.5, "worm", "has bones", 0.5, 1], ["", "c2", 5, "worm", "has a, b", 1, 1]]
    for encoding, first in [("utf-8-sig", []), ("utf-16", ["sep=;"])]:
        path = write_lines(tmp_path / "mine.csv", *first, *lines, encoding=encoding)
        assert read_responses(path, encoding=encoding).values.tolist() == want
    named = write_lines(tmp_path / "names.csv", "Participant, Age,ITEM,property,Yes,n",
                        "c1,4.5,worm,has bones,Y,1", "c1,4.5,worm,can fly,n,2")  # fmt: skip
    assert read_responses(named)["n_yes"].tolist() == [0, 1]  # n is the number of a trial


def test_files_that_hold_no_table_are_refused_with_what_is_wrong(tmp_path):
    path = tmp_path / "mine.csv"
    with pytest.raises(ValueError, match=r"mine.csv is no CSV file .*Excel writes utf-8-sig"):
        read_responses(write_lines(path, ""))
    with pytest.raises(ValueError, match="no answer in the responses"):
        read_responses(write_lines(path, HEAD))
    with pytest.raises(ValueError, match="more cells than there are names of columns"):
        read_responses(write_lines(path, HEAD, "c1,4,worm,has bones,1,2,3"))
    with pytest.raises(ValueError, match=r"yes is 'ja' in row 3; .*recode others"):
        read_responses(write_lines(path, HEAD, "c1,4,worm,can fly,no", "c1,4,worm,has bones,ja"))
    with pytest.raises(KeyError, match=r"no column 'age' .*allowed: participant, study"):
        read_responses(write_lines(path, "participant", "c1"))
    with pytest.raises(FileNotFoundError, match=r"no file 'https://.* read by pandas"):
        read_responses("https://example.org/x.csv")
    with pytest.raises(TypeError, match="CSV file or a DataFrame, got list"):
        read_responses([1])


def test_shares_groups_and_doubled_columns_are_refused():
    good = make_trials([1, 0])
    counted = good.drop(columns="yes").assign(n=11)
    with pytest.raises(ValueError, match=r"n_yes is 0.43 in 1 of 2 .*no share or mean"):
        read_responses(counted.assign(n_yes=[0.43, 11]))
    with pytest.raises(ValueError, match=r"yes is 0.3 in 1 of 2 .*0, .5 or 1"):
        read_responses(good.assign(yes=[0.3, 1]))
    with pytest.raises(KeyError, match="means or counts of a group cannot be fitted"):
        read_responses(counted.assign(n_yes=3).drop(columns="participant"))
    with pytest.raises(ValueError, match="two columns of the responses are called 'yes'"):
        read_responses(good.assign(response=[0, 1]), columns={"response": "yes"})


def test_one_number_in_two_studies_is_two_people():
    same = make_trials([1, 0]).assign(participant="7", study=["a", "b"])
    assert len(read_responses(same)) == 2
    assert len(sd.noise_ceiling(same, groups=1)) == 2
