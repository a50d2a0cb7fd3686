"""From files to checked columns, in NumPy on the host, with one example per column in the end.

    from pure_nn import data

    read                    the arrays of a file by name; `mapped` leaves them on disk
    table                   one matrix with an example per row, and the target of every example
    split                   which examples train and which test; `stratified_split` by class
    class_balance           how many there are of every class
    task_of                 whether targets are classes or numbers
    prepare                 what turns rows into X and targets into Y, from the training rows
    Source                  the examples of mapped arrays, as `training.streamed_epoch` takes them
    columns, one_hot        X of plain rows, Y of plain labels

Values are checked here, where they enter, and nowhere later.
"""

from pure_nn.data.damage import DataError as DataError
from pure_nn.data.fitting import prepare as prepare
from pure_nn.data.fitting import task_of as task_of
from pure_nn.data.matrices import columns as columns
from pure_nn.data.matrices import one_hot as one_hot
from pure_nn.data.preparation import Preparation as Preparation
from pure_nn.data.reading import mapped as mapped
from pure_nn.data.reading import read as read
from pure_nn.data.sources import Source as Source
from pure_nn.data.splits import class_balance as class_balance
from pure_nn.data.splits import split as split
from pure_nn.data.splits import stratified_split as stratified_split
from pure_nn.data.tables import Table as Table
from pure_nn.data.tables import table as table
