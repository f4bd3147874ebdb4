// A command group that several files add to, as `import` and `export`: made by the first that comes.

import type { Command } from 'commander';

export function commandGroup(program: Command, name: string, description: string): Command {
  const known = program.commands.find((command) => command.name() === name);
  return known ?? program.command(name).description(description);
}
