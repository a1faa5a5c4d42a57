"""Lists and splits that MATLAB wrote.

Not for files of strangers: scipy's reader refuses nearly all damaged files, but a few crash it.
"""

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.datasets.layout import Layout

Ints = NDArray[np.int64]


def read_numbers(layout: Layout, file: str, variable: str) -> Ints:
    """A matrix of whole numbers from a .mat file below the root, always of two dimensions.

    Raises:
        BadDataset: no such file or variable, or it is not a matrix of whole numbers.
    """
    values = read_variable(layout, file, variable)
    if values.ndim != 2 or values.dtype.kind not in "iuf":
        raise layout.error(f"{variable} in {file} is not a matrix of numbers")
    numbers = values.astype(np.float64)
    if not np.all(np.abs(numbers) < 2**53) or not np.all(numbers == np.floor(numbers)):
        raise layout.error(f"{variable} in {file} has values that are not whole numbers")
    return numbers.astype(np.int64)


def read_names(layout: Layout, file: str, variable: str) -> list[str]:
    """A cell array of strings from a .mat file below the root.

    Raises:
        BadDataset: no such file or variable, or something in it is not a string.
    """
    names = []
    for cell in read_variable(layout, file, variable).ravel():
        content = np.asarray(cell)
        if content.dtype.kind != "U" or content.size != 1:
            raise layout.error(f"{variable} in {file} is not a list of names")
        names.append(str(content.item()))
    return names


def read_variable(layout: Layout, file: str, variable: str) -> NDArray[Any]:
    """A variable of a .mat file below the root. Raises BadDataset."""
    path = layout.file(file)
    try:
        from scipy.io import loadmat, matlab
    except ImportError as error:
        raise layout.error(f"{file} needs scipy to be read: pip install '.[train]'") from error
    try:
        values = loadmat(path, variable_names=[variable])
    except (
        matlab.MatReadError,
        zlib.error,
        ArithmeticError,
        AttributeError,
        LookupError,
        MemoryError,
        NameError,  # of a variable in scipy's own code, on damaged files
        NotImplementedError,  # version 7.3, which is HDF5
        OSError,
        TypeError,
        ValueError,
    ) as error:
        raise layout.error(f"{file} cannot be read as a .mat file ({error!r})") from error
    if variable not in values:
        raise layout.error(f"{file} has no variable {variable}")
    return np.asarray(values[variable])
