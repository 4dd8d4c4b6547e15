"""Covering arrays of small rows, whose pairs can be counted by hand. `test_draw` covers the rows of the catalogue."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from allpairspy import AllPairs

from harness.catalogue import Row, Rule, rule, single
from harness.draw.cover import apart, balanced, completed, covered, covering_array, random_choice, rarest, wanted


def row_of(
    axes: dict[str, tuple[Any, ...]],
    *rules: Rule,
    pins: tuple[dict[str, Any], ...] = (),
    per_axis: int = 1,
    later: dict[str, tuple[Any, ...]] | None = None,
    barriers: tuple[Rule, ...] = (),
) -> Row:
    return Row(
        dialect="keras",
        layer="Small",
        axes=axes,
        build=lambda choice, fill: single("keras", "Small", {}, [(1,)]),
        rules=rules,
        pins=pins,
        per_axis=per_axis,
        later=later or {},
        barriers=barriers,
    )


BITS = {"a": (0, 1), "b": (0, 1), "c": (0, 1)}


def bits(choices: list[dict[str, Any]]) -> list[str]:
    """Choices as words: `010` for a = 0, b = 1, c = 0."""
    return ["".join(str(value) for value in choice.values()) for choice in choices]


def test_one_axis_has_a_choice_for_each_value() -> None:
    assert covering_array(row_of({"a": ("x", None, 2)})) == [{"a": "x"}, {"a": None}, {"a": 2}]


def test_two_axes_have_a_choice_for_each_pair() -> None:
    """There are no triples to be topped up with, however many cases an axis is owed."""
    choices = covering_array(row_of({"a": (0, 1), "b": (0, 1, 2)}, per_axis=6))
    assert sorted(bits(choices)) == ["00", "01", "02", "10", "11", "12"]
    assert [list(choice) for choice in choices] == [["a", "b"]] * 6


def test_three_axes_of_two_values_take_four_choices() -> None:
    """12 pairs, of which a choice holds 3: four choices are the least, and there are two such arrays."""
    choices = covering_array(row_of(BITS))
    assert sorted(bits(choices)) in (["000", "011", "101", "110"], ["001", "010", "100", "111"])
    assert covered(row_of(BITS), choices) == (12, 12)


def test_rule_is_never_broken_and_its_pairs_are_not_wanted() -> None:
    """a = b: of 12 pairs 2 are forbidden."""
    tight = row_of(BITS, rule("a", "b", reason="equal")(lambda a, b: a == b))
    choices = covering_array(tight)
    assert sorted(bits(choices)) == ["000", "001", "110", "111"]
    assert covered(tight, choices) == (10, 10)


def test_rules_that_hang_together_are_kept() -> None:
    """b follows from a, and c from b; d is free: 4 pairs of each two of the three, 8 with d."""
    tight = row_of(
        {"a": (0, 1, 2, 3), "b": (0, 1, 2, 3), "c": (0, 1, 2, 3), "d": (0, 1)},
        rule("a", "b", reason="equal")(lambda a, b: a == b),
        rule("b", "c", reason="next")(lambda b, c: (b + 1) % 4 == c),
    )
    choices = covering_array(tight)
    assert covered(tight, choices) == (3 * 4 + 3 * 8, 36)
    assert all(tight.allows(choice) for choice in choices)


@pytest.mark.parametrize("valid", [["001", "010", "100"], ["000", "001", "010", "111"]])
def test_pairs_that_greedy_search_gives_up_on_are_completed(valid: list[str]) -> None:
    """Each valid choice has a pair that no other has, so all are needed, once. `allpairspy` finds two of either."""
    row = row_of(BITS, rule("a", "b", "c", reason="few")(lambda a, b, c: f"{a}{b}{c}" in valid))
    greedy = AllPairs(
        list(BITS.values()), filter_func=lambda values: row.possible(dict(zip("abc", values, strict=False)))
    )
    assert len(list(greedy)) == 2
    assert sorted(bits(covering_array(row))) == valid


def test_pair_is_completed_with_what_was_used_least() -> None:
    """Of `a`, 0 is used twice, 1 once, 2 never. Where 2 is forbidden beside b = 1, 1 is the next."""
    axes = {"a": (0, 1, 2), "b": (0, 1), "c": ("x", "y")}
    used = [{"a": 0, "b": 0, "c": "x"}, {"a": 0, "b": 0, "c": "x"}, {"a": 1, "b": 1, "c": "y"}]
    assert rarest(row_of(axes), {"b": 1}, used) == {"a": 2, "b": 1, "c": "y"}
    assert rarest(row_of(axes), {"c": "x", "a": 1}, used) == {"a": 1, "b": 1, "c": "x"}
    narrow = row_of(axes, rule("a", "b", reason="narrow")(lambda a, b: (a, b) != (2, 1)))
    assert rarest(narrow, {"b": 1}, used) == {"a": 1, "b": 1, "c": "y"}


def test_values_nobody_needs_are_spread() -> None:
    """One long axis leaves the short ones free in most choices: they must not all sit at their first value."""
    wide = row_of({"a": tuple(range(12)), "b": (True, False), "c": ("x", "y", "z")})
    choices = covering_array(wide)
    have, valid = covered(wide, choices)
    assert have == valid == 12 * 2 + 12 * 3 + 2 * 3
    for axis in ("b", "c"):
        uses = Counter(choice[axis] for choice in choices)
        assert min(uses.values()) > 0.6 * max(uses.values())


# Pins and topping up


def test_pins_are_kept_once_completed_with_first_values() -> None:
    pinned = row_of(BITS, pins=({"b": 1}, {"c": 1, "a": 1}, {"b": 1, "a": 0}))
    choices = covering_array(pinned)
    assert len(choices) == len({tuple(choice.values()) for choice in choices})
    assert {"010", "101"} <= set(bits(choices))
    assert bits(choices)[:4] == bits(covering_array(row_of(BITS)))


def test_pin_that_a_rule_forbids_is_named() -> None:
    forbidden = row_of(BITS, rule("a", "b", reason="equal")(lambda a, b: a == b), pins=({"a": 1, "b": 0},))
    with pytest.raises(ValueError, match=r"^keras Small: a rule forbids the pin \{'a': 1, 'b': 0\}$"):
        covering_array(forbidden)


def test_pins_beyond_the_axes_come_last_and_change_nothing_else() -> None:
    """`d` is no axis, and 2 no value of `b`; the array is topped up as without them."""
    beyond = ({"b": 2, "c": 1}, {"d": "x"}, {"b": 2, "c": 1})
    plain, pinned = (row_of(BITS, pins=pins, per_axis=2) for pins in ((), beyond))
    choices = covering_array(pinned)
    assert choices[:-2] == covering_array(plain)
    assert choices[-2:] == [{"a": 0, "b": 2, "c": 1}, {"a": 0, "b": 0, "c": 0, "d": "x"}]
    one_axis = row_of({"a": (1, 2)}, pins=({"a": 3},))
    assert covering_array(one_axis) == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_pin_beyond_the_axes_obeys_the_rules() -> None:
    forbidden = row_of(BITS, rule("a", "b", reason="small")(lambda a, b: a + b < 3), pins=({"a": 1, "b": 2},))
    with pytest.raises(ValueError, match=r"a rule forbids the pin \{'a': 1, 'b': 2\}$"):
        covering_array(forbidden)


@pytest.mark.parametrize(("per_axis", "counts"), [(1, {4}), (2, {6}), (6, {7, 8})])
def test_rows_of_many_axes_are_topped_up_with_new_triples(per_axis: int, counts: set[int]) -> None:
    """Two for each of three axes are 6 choices, each with a triple of its own. Of the 18 that six would be there are 8;
    the search ends where 30 random choices hold nothing new, which may be one too early."""
    choices = bits(covering_array(row_of(BITS, per_axis=per_axis)))
    assert len(set(choices)) == len(choices)
    assert len(choices) in counts


def test_topping_up_takes_the_choice_with_most_new_triples() -> None:
    """Four axes of three values: 4 * 27 = 108 triples, 4 in a choice. Nine choices hold each pair once, so 36 triples.
    Of 30 random choices the best has three new ones at least, seven times; the last of 30 often has fewer."""
    axes = dict.fromkeys("abcd", (0, 1, 2))
    assert covered(row_of(axes), covering_array(row_of(axes)), 3) == (36, 108)
    choices = covering_array(row_of(axes, per_axis=4))
    assert len(choices) == 16
    assert covered(row_of(axes), choices, 3)[0] >= 36 + 7 * 3


def test_topping_up_takes_the_best_of_30_offers() -> None:
    """Nine choices hold the pairs of three axes of three values; 12 are owed. Of 31 offers others would be best."""
    row = row_of(dict.fromkeys("abc", (0, 1, 2)), per_axis=4)
    assert bits(covering_array(row))[9:] == ["120", "210", "200"]


def test_topping_up_breaks_no_rule() -> None:
    tight = row_of(BITS, rule("a", "b", reason="equal")(lambda a, b: a == b), per_axis=6)
    assert sorted(bits(covering_array(tight))) == ["000", "001", "110", "111"]


def test_same_row_gives_the_same_array() -> None:
    axes = dict.fromkeys("abcd", (0, 1, 2, 3))
    assert covering_array(row_of(axes, per_axis=12)) == covering_array(row_of(axes, per_axis=12))


def test_random_choices_are_whole_valid_and_reach_every_value() -> None:
    tight = row_of({"a": (0, 1), "b": (0, 1), "c": (0, 1, 2)}, rule("a", "b", reason="equal")(lambda a, b: a == b))
    source = random.Random(0)
    drawn = [random_choice(tight, source) for _ in range(200)]
    assert {tuple(choice) for choice in drawn} == {("a", "b", "c")}
    assert set(bits(drawn)) == {"000", "001", "002", "110", "111", "112"}


# Spreading values


def test_free_value_gives_way_to_the_least_used() -> None:
    """The first choice repeats the second, so its `a` is free: 1, never used, takes its place. Then each pair is
    needed where it stands."""
    pair = row_of({"a": (0, 1, 2), "b": ("x", "y")})
    choices = [{"a": 0, "b": "x"}, {"a": 0, "b": "x"}, {"a": 0, "b": "y"}]
    assert balanced(pair, choices) == [{"a": 1, "b": "x"}, {"a": 0, "b": "x"}, {"a": 0, "b": "y"}]
    assert choices[0] == {"a": 0, "b": "x"}, "the choices handed in stay as they are"


def test_value_stays_where_another_would_be_used_as_often() -> None:
    """Two of 0, one of 1: exchanging one makes it one and two."""
    pair = row_of({"a": (0, 1), "b": ("x",)})
    choices = [{"a": 0, "b": "x"}, {"a": 0, "b": "x"}, {"a": 1, "b": "x"}]
    assert balanced(pair, choices) == choices


def test_uses_are_counted_as_values_are_exchanged() -> None:
    """Four times 0: 1 takes the first place, 2 the second; then 0 is left twice, beside one of each."""
    pair = row_of({"a": (0, 1, 2), "b": ("x",)})
    assert [choice["a"] for choice in balanced(pair, [{"a": 0, "b": "x"}] * 4)] == [1, 2, 0, 0]


def test_pairs_that_an_exchange_brings_are_counted() -> None:
    """The first choice becomes 10, which is there already: now its `b` is free, and 0 stands there three times."""
    pair = row_of({"a": (0, 1), "b": (0, 1)})
    choices = [{"a": 0, "b": 0}, {"a": 1, "b": 0}, {"a": 0, "b": 1}, {"a": 0, "b": 0}]
    assert bits(balanced(pair, choices)) == ["11", "10", "01", "00"]


def test_value_that_a_rule_forbids_takes_no_place() -> None:
    pair = row_of({"a": (0, 1, 2), "b": ("x",)}, rule("a", reason="not 1")(lambda a: a != 1))
    assert [choice["a"] for choice in balanced(pair, [{"a": 0, "b": "x"}] * 4)] == [2, 2, 0, 0]


# Later values and barriers


def test_later_values_leave_the_earlier_choices_as_they_are() -> None:
    """`d` is new, and 2 joins `b`: the array of the row without them comes first, with the first value of `d`."""
    axes = {"a": (0, 1, 2), "d": ("x", "y"), "b": (0, 1, 2), "c": (0, 1, 2)}
    early = covering_array(row_of({"a": (0, 1, 2), "b": (0, 1), "c": (0, 1, 2)}, per_axis=4))
    row = row_of(axes, per_axis=4, later={"d": ("y",), "b": (2,)})
    choices = covering_array(row)
    assert [{"a": c["a"], "b": c["b"], "c": c["c"]} for c in choices[: len(early)]] == early
    assert {c["d"] for c in choices[: len(early)]} == {"x"}
    assert [list(choice) for choice in choices] == [["a", "d", "b", "c"]] * len(choices)
    assert covered(row, choices) == (6 + 9 + 9 + 6 + 6 + 9, 45)
    assert all(choice["d"] == "y" or choice["b"] == 2 for choice in choices[len(early) :])


def test_rules_of_a_new_axis_hold_for_the_earlier_choices_too() -> None:
    """With d = 0 the rule forbids a = b = 1, with d = 1 the three others."""
    axes = {"a": (0, 1), "b": (0, 1), "d": (0, 1)}
    row = row_of(axes, rule("d", "a", "b", reason="")(lambda d, a, b: (a and b) == d), later={"d": (1,)})
    assert sorted(bits(covering_array(row))) == ["000", "010", "100", "111"]
    assert row.joined == {"d": 0}
    assert row.earlier.axes == {"a": (0, 1), "b": (0, 1)}
    assert [bond.axes for bond in row.earlier.rules] == [("a", "b")]


def test_pins_that_name_later_values_follow_the_earlier_choices() -> None:
    axes = {**BITS, "d": (0, 1)}
    pins = ({"b": 1}, {"d": 1, "a": 1})
    early = bits(covering_array(row_of(BITS, pins=pins[:1])))
    words = bits(covering_array(row_of(axes, later={"d": (1,)}, pins=pins)))
    assert words[: len(early) + 1] == [*(f"{word}0" for word in early), "1001"]


@pytest.mark.parametrize("later", [{"a": (0,)}, {"a": (7,)}, {"z": (1,)}])
def test_later_values_are_values_of_the_row_but_not_the_first(later: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^Small: [az] has no values \([017],\) behind its first$"):
        covering_array(row_of(BITS, later=later))


def test_every_pair_occurs_within_the_barriers_that_allow_it() -> None:
    """a = 1 is a barrier. The three others have 12 pairs; each occurs with a = 0."""
    axes = {"a": (1, 0), "b": (0, 1), "c": (0, 1), "d": (0, 1)}
    wall = rule("a", reason="wall")(lambda a: a == 0)
    plain, row = row_of(axes), row_of(axes, barriers=(wall,))
    choices = covering_array(row)
    assert choices[: len(covering_array(plain))] == covering_array(plain)
    clear = [choice for choice in choices if choice["a"] == 0]
    assert covered(row_of({"b": (0, 1), "c": (0, 1), "d": (0, 1)}), clear) == (12, 12)
    assert all(choice["a"] == 0 for choice in choices[len(covering_array(plain)) :])


def test_the_last_barrier_falls_first() -> None:
    """Within both barriers a and c are 0; pairs of c = 1 are wanted within the first alone, those of a = 1 nowhere."""
    axes = {"a": (1, 0), "b": (0, 1, 2), "c": (1, 0)}
    first, last = rule("a", reason="")(lambda a: a == 0), rule("c", reason="")(lambda c: c == 0)
    words = bits(covering_array(row_of(axes, barriers=(first, last))))
    assert {"000", "010", "020", "001", "011", "021"} <= set(words)
    assert len(words) == len(set(words))


def test_the_strictest_barriers_come_first_because_their_choices_serve_the_others() -> None:
    """The other way round choices within the first barrier alone would come, and then those within both."""
    axes = {"a": (1, 0), "c": (1, 0), "b": (0, 1, 2), "d": (0, 1)}
    first, last = rule("a", reason="")(lambda a: a == 0), rule("c", reason="")(lambda c: c == 0)
    row = row_of(axes, barriers=(first, last))
    loosest_first = completed(row.within(2), completed(row.within(1), covering_array(row_of(axes))))
    assert (len(covering_array(row)), len(loosest_first)) == (13, 14)


def test_barrier_of_an_unknown_axis_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^Small: a rule names the unknown axes \['z'\]$"):
        row_of(BITS, barriers=(rule("z", reason="")(lambda z: z),))


def test_completed_adds_as_little_as_it_can() -> None:
    """000 and 011 hold 6 of the 12 pairs of three bits; 101 and 110 hold the others, 3 each."""
    choices = [{"a": 0, "b": 0, "c": 0}, {"a": 0, "b": 1, "c": 1}]
    words = bits(completed(row_of(BITS), choices))
    assert words[:2] == ["000", "011"]
    assert sorted(words[2:]) == ["101", "110"]


def test_choices_that_the_row_forbids_hold_nothing() -> None:
    equal = row_of({"a": (0, 1), "b": (0, 1)}, rule("a", "b", reason="")(lambda a, b: a == b))
    assert bits(completed(equal, [{"a": 0, "b": 1}])) == ["01", "00", "11"]


def test_pairs_are_apart_whose_values_occur() -> None:
    """Of the 12 pairs of three bits, 000 and 110 hold 6. c = 1 occurs in neither, so of the others only 01 and 10 of
    a and b are apart."""
    row = row_of(BITS)
    choices = [{"a": 0, "b": 0, "c": 0}, {"a": 1, "b": 1, "c": 0}]
    assert apart(row, wanted(row), choices) == 2
    assert apart(row, wanted(row), []) == 0
    assert apart(row, wanted(row), [*choices, {"a": 0, "b": 0, "c": 1}]) == 2 + 2


# How much is covered


def test_covered_counts_pairs_once() -> None:
    """2 * 3 + 2 * 2 + 3 * 2 = 16 pairs; 000 and 010 hold 3 each, of which they share a0 c0."""
    row = row_of({"a": (0, 1), "b": (0, 1, 2), "c": (0, 1)})
    assert covered(row, []) == (0, 16)
    assert covered(row, [{"a": 0, "b": 0, "c": 0}]) == (3, 16)
    assert covered(row, [{"a": 0, "b": 0, "c": 0}, {"c": 0, "b": 1, "a": 0}, {"a": 0, "b": 1, "c": 0}]) == (5, 16)


def test_covered_counts_triples_and_single_values_where_asked() -> None:
    row = row_of({"a": (0, 1), "b": (0, 1, 2), "c": (0, 1)})
    choices = [{"a": 0, "b": 0, "c": 0}, {"a": 0, "b": 1, "c": 0}]
    assert covered(row, choices, 3) == (2, 12)
    assert covered(row, choices, strength=1) == (4, 7)


def test_choices_of_an_older_row_cover_what_they_have() -> None:
    """Without `c` there is one pair; an axis or a value that the row has no more covers nothing."""
    row = row_of(BITS)
    assert covered(row, [{"a": 0, "b": 0}]) == (1, 12)
    assert covered(row, [{"a": 0, "b": 0, "c": 0, "d": 0}]) == (3, 12)
    assert covered(row, [{"a": 0, "b": 7, "c": 0}]) == (1, 12)
