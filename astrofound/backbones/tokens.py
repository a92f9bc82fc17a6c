"""Sequences of tokens as maps."""

__all__ = ['split_tokens']


def split_tokens(tokens, n_prefix, grid):
    """
    Part the prefix tokens from the patches and lay these out as a map.

    Parameters
    ----------
    tokens : `torch.Tensor`
        Shape ``(n, n_prefix + ny * nx, d)``.
    n_prefix : int
        Number of tokens before the patches.
    grid : tuple of int
        Patches ``(ny, nx)``.

    Returns
    -------
    dense : `torch.Tensor`
        Shape ``(n, d, ny, nx)``.
    prefix : `torch.Tensor`
        Shape ``(n, n_prefix, d)``.
    """
    n, length, width = tokens.shape
    assert length == n_prefix + grid[0] * grid[1], (length, n_prefix, grid)
    dense = tokens[:, n_prefix:].transpose(1, 2).reshape(n, width, *grid)
    return dense, tokens[:, :n_prefix]
