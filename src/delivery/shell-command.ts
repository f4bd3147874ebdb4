// How a command line of local(8) becomes a program: directly where the line holds nothing that a shell would act on, by
// /bin/sh else (Postfix's exec_command.c); by local_command_shell always, where one is set.

/** What no shell minds. */
const plainWords = /^[\w!@%+=:,./ \t-]*$/;

export interface CommandLine {
  readonly argv: readonly string[];
  /** For the shell, should there be no such program. */
  readonly shellCommand?: string;
}

export function commandLine(command: string, shell: string): CommandLine {
  const words = (text: string): string[] => text.split(/[ \t\r\n]+/).filter((word) => word !== '');
  if (shell !== '') return { argv: [...words(shell), command] };
  const argv = plainWords.test(command) ? words(command) : [];
  return argv.length > 0 ? { argv, shellCommand: command } : { argv: ['/bin/sh', '-c', command] };
}
