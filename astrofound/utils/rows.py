"""Arrays of one row a source that stay together."""

from dataclasses import fields

__all__ = ['Rows']


class Rows:
    """
    Base of a dataclass each of whose fields is an array with one row a source.

    Examples
    --------
    >>> from astrofound.catalog import Detections
    >>> found = Detections([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [[0, 0, 9, 9]] * 3)
    >>> len(found), found.select([2, 0]).x.tolist()
    (3, [3.0, 1.0])
    """

    def __len__(self):
        return len(getattr(self, fields(self)[0].name))

    def select(self, index):
        """
        Take some of the rows.

        Parameters
        ----------
        index : `~numpy.ndarray` of int or bool, or slice
            Which ones, in which order.

        Returns
        -------
        rows : Rows
            The chosen ones, of the same class.
        """
        return type(self)(*(getattr(self, field.name)[index] for field in fields(self)))
