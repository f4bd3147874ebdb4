// Every default is the one that the real Postfix 3.7 has.

import { describe, expect, test } from 'vitest';
import { realPostconf, runRealPostconf, withConfiguration } from '../../test/harness/real-postconf.ts';
import { findParameter, parameterNames } from './registry.ts';
import { Settings } from './settings.ts';

/** Where the package or the process decides, not Postfix. */
const ofThisProcess = new Set([
  'config_directory',
  'mail_release_date',
  'mail_version',
  'meta_directory',
  'process_id',
  'process_name',
]);

function parse(output: string): Map<string, string> {
  const rows = output.split('\n').filter((line) => line !== '');
  return new Map(rows.map((line) => [line.slice(0, line.indexOf(' =')), line.slice(line.indexOf(' =') + 3)]));
}

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(realPostconf === undefined)('defaults beside postconf -d (package postfix)', () => {
  const settings = Settings.defaults();

  test('names and unexpanded values are the same', async () => {
    const real = await withConfiguration({}, (directory) => parse(runRealPostconf(directory, ['-d']).stdout));
    for (const name of ofThisProcess) real.delete(name);
    const ours = [...real.keys()].map((name) => [name, settings.defaultOf(name)]);
    expect(real.size).toBeGreaterThan(800);
    expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(real));
    const further = parameterNames().filter((name) => !real.has(name) && !ofThisProcess.has(name));
    expect(further.filter((name) => !name.startsWith('posthaste_'))).toEqual([]);
  });

  test.each(['0', '1', '2', '3.6', '3.7'])('expanded values are the same at compatibility level %s', async (level) => {
    const main = `compatibility_level = ${level}\nmyhostname = mx.example.com\n`;
    const real = await withConfiguration({ 'main.cf': main }, (directory) =>
      parse(runRealPostconf(directory, ['-x']).stdout),
    );
    for (const name of ofThisProcess) real.delete(name);
    const view = settings.withOverrides({ compatibility_level: level, myhostname: 'mx.example.com' });
    const ours = [...real.keys()].map((name) => [name, view.expanded(name).replaceAll(/\s+/g, ' ').trim()]);
    expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(real));
  });

  test('the parameters of a transport are the same', async () => {
    const master = 'slow unix - - n - - smtp\nrun unix - n n - - pipe user=x argv=y\nlocal unix - n n - - local\n';
    const real = await withConfiguration({ 'master.cf': master }, (directory) =>
      parse(runRealPostconf(directory, ['-d']).stdout),
    );
    const names = [...real.keys()].filter((name) => /^(slow|run|local)_/.test(name));
    expect(names.length).toBeGreaterThan(40);
    expect(names.map((name) => [name, settings.defaultOf(name)])).toEqual(names.map((name) => [name, real.get(name)]));
  });

  test.each(['host', 'subnet', 'class'])('mynetworks by mynetworks_style = %s', async (style) => {
    const real = await withConfiguration({ 'main.cf': `mynetworks_style = ${style}\n` }, (directory) =>
      runRealPostconf(directory, ['-h', 'mynetworks']).stdout.trim(),
    );
    expect(settings.withOverrides({ mynetworks_style: style }).text('mynetworks')).toBe(real);
  });
});

test('every default can be used in its declared kind, at each level', () => {
  for (const level of ['0', '3.6']) {
    const settings = Settings.defaults({ compatibility_level: level });
    for (const name of parameterNames()) settings.check(name);
  }
});

test('every supported parameter is described', () => {
  const bare = parameterNames().filter(
    (name) => findParameter(name)?.status === 'supported' && !findParameter(name)?.text,
  );
  expect(bare).toEqual([]);
});
