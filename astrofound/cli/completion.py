"""``astrofound completion``: what makes a shell complete commands, options and file names."""

import click

__all__ = ['command']

_WHERE = {'bash': '~/.bashrc', 'zsh': '~/.zshrc',
          'fish': '~/.config/fish/completions/astrofound.fish'}


@click.command('completion', epilog='Example: astrofound completion bash >> ~/.bashrc')
@click.argument('shell', type=click.Choice(list(_WHERE)))
@click.pass_context
def command(context, shell):
    """Print the lines that make SHELL complete what you type."""
    from click.shell_completion import get_completion_class

    group = context.find_root().command
    made = get_completion_class(shell)(group, {}, 'astrofound', '_ASTROFOUND_COMPLETE')
    # the script itself, not source(), which runs bash to learn its version
    click.echo(made.source_template % made.source_vars())
    click.echo(f'Add these lines to {_WHERE[shell]}.', err=True)
