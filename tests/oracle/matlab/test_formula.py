"""Anonymous functions as formulas: what they compute by MATLAB's order of operators, and why others are not read."""

from __future__ import annotations

import numpy as np
import pytest

from harness.oracle.matlab.formula import FormulaError, parse, value_of

X = np.array([0.5, 1.0, 2.0, 3.0])
BY_HAND = {
    "@(x).001*x": 0.001 * X,
    "@(x)x.^2+1": X**2 + 1,
    "@( y ) 2 * y - 1": 2 * X - 1,
    "@(x)-x.^2": -(X**2),
    "@(x)x.^-1": 1 / X,
    "@(x)x.^2.^3": X**6,
    "@(x)2.^x": 2**X,
    "@(x)2.^3.^x": 8**X,
    "@(x)2^3^2.*x": 64 * X,
    "@(x)x-1-2": X - 3,
    "@(x)x./2.*4": X * 2,
    "@(x)1./(1+exp(-x))": 1 / (1 + np.exp(-X)),
    "@(x)x/4": X / 4,
    "@(x)2*-x": -2 * X,
    "@(x)--x": X,
    "@(x)1.5e1*x + 1d1": 15 * X + 10,
    "@(x)max(x,1)-min(2,x)": np.maximum(X, 1) - np.minimum(X, 2),
    "@(x)max(x,x.^2)": np.maximum(X, X**2),
    "@(x)sqrt(abs(x)).*sign(x)": np.sqrt(X),
    "@(x)log(x)+sin(x)-cos(pi*x)": np.log(X) + np.sin(X) - np.cos(np.pi * X),
    "@(x)relu(x-1)": np.maximum(X - 1, 0),
    "@(x)sigmoid(x)+logsig(x)": 2 / (1 + np.exp(-X)),
    "@(x)tanh(x)-tansig(x)+x": X,
    "@(exp)exp+1": X + 1,
    "tanh": np.tanh(X),
}


@pytest.mark.parametrize("text", BY_HAND)
def test_the_order_of_operators_is_matlab_s(text):
    np.testing.assert_allclose(value_of(parse(text), X), BY_HAND[text], rtol=1e-15)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("myfunc", "it is no anonymous function"),
        ("@(x,y)x+y", "it does not take one argument"),
        ("@()1", "it does not take one argument"),
        ("@(varargin)x", "it does not take one argument"),
        ("@(x)3", "it does not depend on its argument"),
        ("@(x)k*x", "the value of k is not in its text"),
        ("@(x)mean(x)", "it calls mean, which is not among abs, cos, exp, log, "),
        ("@(x)x*x", r"\* is of matrices here, and \.\* of elements is read"),
        ("@(x)2/x", "/ is of matrices here"),
        ("@(x)x^2", r"\^ is of matrices here"),
        ("@(x)x(1)", "it takes elements of x"),
        ("@(x)max(x)", r"'\)' is not read where ',' should be"),
        ("@(x)exp(x,1)", r"',' is not read where '\)' should be"),
        ("@(x)x'", '"\'" is not read'),
        ("@(x)[x;1]", r"'\[' is not read"),
        ("@(x)x>0", "'>' is not read"),
        ("@(x)x+", "it ends too soon"),
        ("@(x)(x", "it ends too soon"),
        ("@(x)x)", r"'\)' is not read"),
        ("@(x)2x", "'x' is not read"),
        ("@(x)x.^-2.^2", "it needs parentheses"),
        ("@(x)x+sqrt(0-1)", "sqrt of numbers is no finite number"),
        ("@(x)" + "(" * 50 + "x" + ")" * 50, "more than 40 parentheses"),
        ("@(x)x" + "+1" * 100, "it has 201 numbers, names and operators, and at most 200 are read"),
        ("@(x)__import__(x)", "'_' is not read"),
    ],
)
def test_another_function_says_why_it_is_not_read(text, why):
    with pytest.raises(FormulaError, match=why):
        parse(text)
