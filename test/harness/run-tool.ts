// Runs one of the commands that stand for Postfix's tools as bin/posthaste does, and the real tool beside it.

import { execFile } from 'node:child_process';
import { Readable } from 'node:stream';
import { Command } from 'commander';
import { type CommandContext, CommandError } from '../../src/cli/context.ts';

export interface ToolOutput {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Run {
  readonly tool: string;
  readonly directory: string;
  readonly args: readonly string[];
  readonly input?: string;
  readonly json?: boolean;
}

type Register = (program: Command, context: CommandContext) => void;

export async function runTool(register: Register, { tool, directory, args, ...more }: Run): Promise<ToolOutput> {
  return await runCommand(register, { directory, args: ['--', tool, ...args], ...more });
}

/** As `posthaste -c DIRECTORY ARGS`, in this process. */
export async function runCommand(
  register: Register,
  { directory, args, input = '', json = false }: Omit<Run, 'tool'>,
): Promise<ToolOutput> {
  const out: string[] = [];
  const err: string[] = [];
  const context: CommandContext = {
    configDirectory: directory,
    isConfigNamed: true,
    json,
    input: Readable.from([input]),
    print: (line) => out.push(`${line}\n`),
    warn: (line) => err.push(`${line}\n`),
  };
  const program = new Command().exitOverride();
  register(program, context);
  let status = 0;
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    status = error.exitCode;
    if (error.message !== '') err.push(`${error.program}: ${error.message}\n`);
  }
  return { status, stdout: out.join(''), stderr: err.join('') };
}

/** Not in line: a real one sleeps a second before it ends with a fatal error. */
export function runRealTool({ tool, directory, args, input = '' }: Run): Promise<ToolOutput> {
  return new Promise((resolve) => {
    const child = execFile(
      `/usr/sbin/${tool}`,
      ['-c', directory, ...args],
      { encoding: 'utf8', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } },
      (_error, stdout, stderr) => {
        // Its messages begin with the name by which it was called, without the folder.
        resolve({ status: child.exitCode ?? -1, stdout, stderr: stderr.replaceAll(`/usr/sbin/${tool}`, tool) });
      },
    );
    // One that ends before it has read its input is no fault.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}
