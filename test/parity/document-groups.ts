// The configurations of the source documents (test/documents) as groups of a parity run: the addresses that their
// expectations name are asked of a real Postfix and of ours, with the same files.

import { join } from 'node:path';
import { parseMainCf } from '../../src/settings/main-cf.ts';
import { type LintCase, readCases } from '../lint/fixtures.ts';
import type { ParityGroup } from './parity-case.ts';

export function documentGroups(): ParityGroup[] {
  const cases = readCases(join(import.meta.dirname, '../documents'));
  return cases.filter(({ outcomes }) => outcomes.length > 0).map(parityGroup);
}

function parityGroup(one: LintCase): ParityGroup {
  const place = (text: string): string => text.replaceAll('/etc/postfix/', '$T/');
  const main: Record<string, string> = {
    myhostname: 'mail.example.net',
    mydomain: 'example.net',
    local_recipient_maps: '',
  };
  for (const { name, value } of parseMainCf(one.files.get('/etc/postfix/main.cf') ?? '').definitions.values()) {
    // local(8) is discard(8) there.
    if (name !== 'alias_maps') main[name] = place(value);
  }
  const tables: Record<string, string> = {};
  const sqlite: Record<string, string> = {};
  const indexed: Record<string, string> = {};
  for (const [path, text] of one.files) {
    const name = path.slice('/etc/postfix/'.length);
    if (!path.startsWith('/etc/postfix/') || name === 'main.cf' || name === 'master.cf') continue;
    if (name.endsWith('.db.sql')) sqlite[name.slice(0, -'.sql'.length)] = text;
    else tables[name] = place(text);
    if (Object.values(main).some((value) => value.includes(`hash:$T/${name}`))) indexed[name] = 'hash';
  }
  const asked = one.outcomes.map((line) => line.split(/\s*->\s*/)[0] ?? '');
  return {
    name: `${one.file}: ${one.title}`,
    main,
    tables,
    sqlite,
    indexed,
    master: ['maildrop', 'mailman', 'dovecot'].map(
      (name) => `${name} unix - - n - - discard -o syslog_name=postfix/$service_name`,
    ),
    cases: asked.map((left, index) => {
      const [recipient = '', ...words] = left.split(/\s+/);
      const from = words[words.indexOf('from') + 1];
      const isInside = words.includes('client');
      return {
        id: String(index),
        from: words.includes('from') ? (from ?? '') : 'stranger@elsewhere.test',
        recipients: [recipient],
        client: isInside ? undefined : (['unknown', '203.0.113.9'] as const),
      };
    }),
  };
}
