// posthaste completion bash|zsh|fish: prints a completion script made from the commands themselves.

import { Argument, type Command } from 'commander';
import { parameterNames } from '../settings/registry.ts';
import type { CommandContext } from './context.ts';
import { postfixCommands } from './postfix.ts';

interface Node {
  /** Words from the program's name on: `` for the program, `domain`, `domain add`. */
  readonly path: string;
  readonly words: readonly string[];
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('completion')
    .description('print a shell completion script')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .addHelpText('after', '\nExample:\n  source <(posthaste completion bash)')
    .action((shell: string) => {
      const nodes = [...walk(program, '')];
      context.print(shell === 'fish' ? fishScript(nodes) : bashScript(nodes, shell === 'zsh'));
    });
}

/** What Postfix's tools take, whose options are their own. */
const toolWords: Readonly<Record<string, readonly string[]>> = {
  postmap: ['-q', '-s', '-F', '-f', '-h', '-b', '-m', '-c'],
  postalias: ['-q', '-s', '-f', '-c'],
  postconf: [
    '-n',
    '-d',
    '-x',
    '-h',
    '-H',
    '-f',
    '-e',
    '-X',
    '-M',
    '-F',
    '-P',
    '-C',
    '-o',
    '-m',
    '-c',
    ...parameterNames(),
  ],
  postfix: postfixCommands,
  postqueue: ['-p', '-j', '-f', '-i', '-s', '-c'],
  postsuper: ['-d', '-h', '-H', '-r', '-e', '-f', '-c', 'ALL', 'incoming', 'active', 'deferred', 'hold'],
  sendmail: ['-t', '-i', '-f', '-F', '-N', '-R', '-V', '-bp', '-q', '-C'],
};

function* walk(command: Command, path: string): Iterable<Node> {
  const options = command.options.flatMap((option) => (option.long ? [option.long] : []));
  yield { path, words: [...command.commands.map((sub) => sub.name()), ...(toolWords[path] ?? []), ...options] };
  for (const sub of command.commands) yield* walk(sub, path === '' ? sub.name() : `${path} ${sub.name()}`);
}

function bashScript(nodes: readonly Node[], zsh: boolean): string {
  const cases = nodes.map(({ path, words }) => `    '${path}') words='${words.join(' ')}' ;;`).join('\n');
  return `${zsh ? 'autoload -Uz bashcompinit && bashcompinit\n' : ''}_posthaste() {
  local path='' word words='' index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    case "$word" in -*) continue ;; esac
    case " ${nodes.map((node) => node.path.replaceAll(' ', '/')).join(' ')} " in
      *" \${path:+$path/}$word "*) path=\${path:+$path/}$word ;;
    esac
  done
  case "\${path//\\// }" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _posthaste posthaste`;
}

function fishScript(nodes: readonly Node[]): string {
  const lines: string[] = ['complete -c posthaste -f'];
  for (const { path, words } of nodes) {
    const condition =
      path === ''
        ? '__fish_use_subcommand'
        : path
            .split(' ')
            .map((word) => `__fish_seen_subcommand_from ${word}`)
            .join('; and ');
    for (const word of words) {
      const what = word.startsWith('--')
        ? `-l ${word.slice(2)}`
        : word.startsWith('-')
          ? `-s ${word.slice(1)}`
          : `-a ${word}`;
      lines.push(`complete -c posthaste -n '${condition}' ${what}`);
    }
  }
  return lines.join('\n');
}
