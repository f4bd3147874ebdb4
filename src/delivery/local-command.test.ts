// What becomes of a command line, whose rights there are, and that nobody but local delivery says what it has left to do.

import { describe, expect, test } from 'vitest';
import { endOf, nexthopOf, shownNexthop } from '../queue/end-row.ts';
import { finalRecipients } from '../queue/duplicates.ts';
import { notFound } from '../tables/table.ts';
import { type FindAccount, ownRights, rightsOf } from './local-rights.ts';
import { commandLine } from './shell-command.ts';

describe('a command line', () => {
  const shell = (command: string) => ({ argv: ['/bin/sh', '-c', command] });
  test.each([
    ['/usr/bin/procmail -t', ['/usr/bin/procmail', '-t']],
    [' cat\t-n ', ['cat', '-n']],
  ])('%j is run as it is', (command, argv) => {
    expect(commandLine(command, '')).toEqual({ argv, shellCommand: command });
  });
  test.each(['procmail -a "$EXTENSION"', 'exit 1; x', 'a|b', 'a>b', "a 'b'", 'a\nb', '', '  ', '~/x', 'é'])(
    '%j is for the shell',
    (command) => expect(commandLine(command, '')).toEqual(shell(command)),
  );
  test('local_command_shell has them all, each as one word', () => {
    expect(commandLine('cat -n', '/bin/smrsh -c')).toEqual({ argv: ['/bin/smrsh', '-c', 'cat -n'] });
  });
});

describe('rights', () => {
  const lines: Readonly<Record<string, string>> = {
    nobody: 'nobody:x:65534:65534::/:/bin/false',
    admin: 'admin:x:0:0::/:/bin/sh',
  };
  const find: FindAccount = async (_database, name) => {
    const value = lines[name];
    return value === undefined ? notFound : { kind: 'found', value };
  };
  const account = (uid: number, gid: number) => ({ name: 'joe', uid, gid, home: '/home/joe', shell: '/bin/sh' });
  const options = { find, isRoot: true, defaultPrivileges: 'nobody' };
  test.each([
    ['a user’s', account(1000, 1000), { uid: 1000, gid: 1000 }],
    ['root’s', account(0, 0), { uid: 65534, gid: 65534 }],
    ['of a user in root’s group', account(1000, 0), { uid: 1000, gid: 65534 }],
    ['of an alias', undefined, { uid: 65534, gid: 65534 }],
  ])('%s', async (_name, whose, expected) => expect(await rightsOf(whose, options)).toEqual(expected));
  test('default_privs is somebody, and not root', async () => {
    expect(await rightsOf(undefined, { ...options, defaultPrivileges: 'gone' })).toMatch(/no user gone/);
    expect(await rightsOf(undefined, { ...options, defaultPrivileges: 'admin' })).toMatch(/privileged/);
  });
  test('a server without root does nothing for others: their .forward would command it', async () => {
    const other = account((process.getuid?.() ?? 0) + 1, 1);
    expect(ownRights(other)).toMatch(/user joe: only a server that was started as root/);
    expect(await rightsOf(other, { ...options, isRoot: false })).toBe(ownRights(other));
    expect(ownRights(undefined)).toEqual({ uid: undefined, gid: undefined });
  });
});

describe('what local delivery has left to do', () => {
  const end = JSON.stringify({ kind: 'command', what: 'rm -r /', user: 'root', delivered: '' });
  test('is no next hop that a table can give', () => {
    const forged = nexthopOf('', end);
    expect(endOf(forged)).toBe(end);
    expect(shownNexthop(forged)).toBe('|rm -r /');
    const delivery = { recipient: 'a@b', original: 'a@b', transport: 'local', nexthop: forged };
    const [row] = finalRecipients([{ original: 'a@b', notify: '', orcpt: '', deliveries: [delivery] }], true);
    expect(endOf(row?.nexthop ?? '')).toBeUndefined();
    expect(row?.nexthop.startsWith('end:')).toBe(true);
  });
  test('makes rows of their own, though all else is the same', () => {
    const delivery = { recipient: 'a@b', original: 'a@b', transport: 'local', nexthop: '' };
    const ends = ['/Mail', '/mail', '/mail'].map((what) => ({
      ...delivery,
      end: JSON.stringify({ kind: 'file', what }),
    }));
    const rows = finalRecipients([{ original: 'a@b', notify: '', orcpt: '', deliveries: ends }], true);
    expect(rows.map(({ nexthop }) => shownNexthop(nexthop))).toEqual(['/Mail', '/mail']);
  });
});
