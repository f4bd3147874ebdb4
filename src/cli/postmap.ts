// posthaste postmap: Postfix's postmap(1). Asks any table, lists it, or checks the text of one. `postmap FILE &&
// postfix reload` goes on working; the server follows the text by itself.

import type { Command } from 'commander';
import { readMapSource } from '../tables/map-source.ts';
import type { CommandContext } from './context.ts';
import { runTableTool, type TableTool } from './table-tool.ts';
import { registerTool } from './tool.ts';

const postmap: TableTool = {
  syntax: {
    tool: 'postmap',
    letters: 'bc:d:fFhimnNopq:rsuUvw',
    usage: '[-bfFhimnNoprsuUvw] [-c config_dir] [-d key] [-q key] [map_type:]file...',
  },
  read: readMapSource,
  separator: '\t',
  show: (value) => value,
  signature: () => [],
};

const help = `
Without -q and -s the file is checked and warnings are printed; a cdb is written (FILE.cdb), the other types need no
index. Exit status 1: nothing found, or it could not be found out (then a line on standard error says why).

Options:
  -q KEY      ask the tables in turn; - reads keys from standard input and prints \`key TAB value\`
  -s          list all rows
  -h -b -m    with -q -: the input is a message; its header lines, its body lines, with those of its parts
  -F          values stand for the content of files
  -f          do not fold keys            -w -r  a key that comes again: keep the first, keep the last
  -o -p       of a cdb: keep root as the owner, mode 0644 whatever the text's is     -N  with a NUL at the end
  -c DIR      the folder with main.cf
  -d -i       refused: edit the text      -n -u -U -v  accepted, without effect

Examples:
  posthaste postmap -q anna@example.com hash:/etc/postfix/virtual
  posthaste postmap -q - mysql:/etc/postfix/sql/alias.cf < addresses.txt
  posthaste postmap -s lmdb:/etc/postfix/transport
  posthaste postmap /etc/postfix/virtual`;

export function register(program: Command, context: CommandContext): void {
  registerTool(program, context, {
    name: 'postmap',
    description: 'ask, list or check lookup tables, with the options of postmap(1)',
    help,
    run: (tools, args) => runTableTool(postmap, tools, args),
  });
}
