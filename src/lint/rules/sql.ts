// Rules about the `.cf` files of SQL and LDAP tables (mysql_table(5), pgsql_table(5), sqlite_table(5), ldap_table(5)), and
// about `.sql` scripts that lie beside them.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LintContext } from '../context.ts';
import type { Hit, Place, Rule } from '../rule.ts';
import { cut } from '../show.ts';
import { queryLetters, type SqlSource } from '../sql-source.ts';
import { sqlTypes, type TableUse } from '../table-uses.ts';

export const sqlRules: readonly Rule[] = [
  {
    id: 'sql-incomplete',
    severity: 'error',
    title: 'A table’s .cf file lacks what it takes to ask.',
    consequence: 'The table cannot be opened: every lookup is a temporary error.',
    mend: 'Add the parameter.',
    *check(context) {
      for (const { use, source } of sources(context)) {
        const has = (name: string): boolean => (source.parameters.get(name)?.value ?? '') !== '';
        const place = { file: source.file, line: 0 };
        if (use.type === 'sqlite' && !has('dbpath')) yield { place, text: `${use.text}: no dbpath` };
        if ((use.type === 'mysql' || use.type === 'pgsql') && !has('dbname'))
          yield { place, text: `${use.text}: no dbname` };
        if (sqlTypes.has(use.type) && source.query === '') yield { place, text: `${use.text}: no query` };
        for (const problem of source.problems) yield { place: problem, text: problem.text };
      }
    },
  },
  {
    id: 'password-readable',
    severity: 'warning',
    title: 'A file with a password can be read by everyone on the machine.',
    consequence: 'Any account or web application on it reads the mail database, or changes it.',
    mend: 'chmod 640 FILE; chgrp postfix FILE.',
    check: readablePasswords,
  },
  {
    id: 'sql-transport-returns-key',
    severity: 'error',
    title: 'The query of a transport table gives back the domain that it was asked for.',
    consequence:
      'The result is read as the name of a transport: the mail is deferred, 4.3.0 mail transport unavailable.',
    mend: 'Select the column that holds the transport.',
    *check(context) {
      for (const { use, source } of sources(context)) {
        if (use.parameter !== 'transport_maps') continue;
        const column = /^select\s+(?:\w+\.)?[`"]?(\w+)[`"]?\s+from\s/i.exec(source.query)?.[1];
        const asked = [...source.query.matchAll(/[`"]?(\w+)[`"]?\s*=\s*'%[sdSD]'/g)].map((match) => match[1]);
        if (column !== undefined && asked.includes(column))
          yield { place: source.queryPlace, text: cut(source.query, 90) };
      }
    },
  },
  {
    id: 'sql-domain-list-key',
    severity: 'error',
    title: 'The query of a domain list asks with %d.',
    consequence: 'The key of a domain list is the bare domain, which has no @domain part: no query is ever sent.',
    mend: 'Ask with %s.',
    *check(context) {
      const lists = /^(mydestination|relay_domains|virtual_(alias|mailbox)_domains)$/;
      for (const { use, source } of sources(context)) {
        const letters = queryLetters(source.query);
        if (lists.test(use.parameter) && (letters.has('d') || letters.has('D'))) {
          yield { place: source.queryPlace, text: `${use.parameter}: ${cut(source.query, 90)}` };
        }
      }
    },
  },
  {
    id: 'sql-unquoted-value',
    severity: 'error',
    title: 'A query has %s or its kin outside of quotes.',
    consequence: 'The database refuses the text as it stands, or takes a stranger’s localpart for SQL.',
    mend: "Write '%s'.",
    *check(context) {
      for (const { use, source } of sources(context)) {
        if (!sqlTypes.has(use.type)) continue;
        const bare = source.query
          .replaceAll('%%', '')
          .replace(/'(?:[^']|'')*'/g, "''")
          .match(/%[a-zA-Z0-9]/);
        if (bare !== null) yield { place: source.queryPlace, text: `${bare[0]} in ${cut(source.query, 90)}` };
      }
    },
  },
  {
    id: 'sql-bare-percent',
    severity: 'error',
    title: 'A % that is neither %% nor one of Postfix’s letters.',
    consequence: 'Postfix refuses the query template: the table cannot be opened.',
    mend: "Double it: LIKE 'smtp%%'.",
    *check(context) {
      for (const { use, source } of sources(context)) {
        const bare = sqlTypes.has(use.type) ? /%(?![sSuUdD1-9])/.exec(source.query.replaceAll('%%', '')) : null;
        if (bare !== null) yield { place: source.queryPlace, text: cut(source.query, 90) };
      }
    },
  },
  {
    id: 'sql-quoted-query',
    severity: 'error',
    title: 'The whole query or result_format stands in quotation marks.',
    consequence: 'The quotation marks are part of it: a syntax error in the database, or in every result.',
    mend: 'Remove the quotation marks.',
    *check(context) {
      for (const { source } of sources(context)) {
        for (const name of ['query', 'result_format', 'query_filter']) {
          const parameter = source.parameters.get(name);
          if (parameter !== undefined && /^(["']).*\1$/s.test(parameter.value)) {
            yield { place: parameter, text: `${name} = ${cut(parameter.value, 90)}` };
          }
        }
      }
    },
  },
  {
    id: 'webmail-database',
    severity: 'warning',
    title: 'A table asks the database of a webmail program.',
    consequence: 'Roundcube and PostfixAdmin have tables of the same names: one upgrade breaks the other.',
    mend: 'Give each program a database of its own.',
    *check(context) {
      for (const { source } of sources(context)) {
        const dbname = source.parameters.get('dbname');
        if (dbname !== undefined && /roundcube/i.test(dbname.value))
          yield { place: dbname, text: `dbname = ${dbname.value}` };
      }
    },
  },
  {
    id: 'sql-no-such-function',
    severity: 'error',
    title: 'SHA512() or SHA256(): neither is a function of MySQL, nor what mail servers check.',
    consequence: 'The statement fails; where a function of that name exists, its bare digest lets nobody log in.',
    mend: 'Store the output of mkpasswd -m sha-512 ($6$…) or doveadm pw.',
    check: (context) => statements(context, /\bSHA(?:512|256)\s*\(/i),
  },
  {
    id: 'sql-refused-statement',
    severity: 'warning',
    title: 'A statement that current MySQL refuses: GRANT … IDENTIFIED BY, or a TEXT column with a default.',
    consequence: 'The script stops there: the account, its rights or the table are missing.',
    mend: 'CREATE USER … IDENTIFIED BY first, then GRANT; leave the default of TEXT columns out.',
    check: (context) => statements(context, /\bGRANT\b[^;]*\bIDENTIFIED\s+BY\b|\bTEXT\b[^,;]*\bDEFAULT\s+'/i),
  },
];

/** Each .cf once for each parameter that names it. */
function* sources(context: LintContext): Generator<{ use: TableUse; source: SqlSource }> {
  const told = new Set<string>();
  for (const use of context.tables) {
    const source = context.sqlSource(use);
    const key = `${use.parameter} ${source?.file}`;
    if (source === undefined || told.has(key)) continue;
    told.add(key);
    yield { use, source };
  }
}

function* readablePasswords(context: LintContext): Generator<Hit> {
  const told = new Set<string>();
  for (const { source } of sources(context)) {
    const secret = source.parameters.get('password') ?? source.parameters.get('bind_pw');
    if (secret === undefined || secret.value === '' || !source.isWorldReadable || told.has(source.file)) continue;
    told.add(source.file);
    yield { place: secret, text: `${secret.name} in a file of mode 0${modeOf(context, source.file)}` };
  }
  for (const use of context.tablesOf('smtp_sasl_password_maps', 'lmtp_sasl_password_maps')) {
    const stat = context.files.stat(use.name);
    if (stat === undefined || (stat.mode & 0o004) === 0) continue;
    const place = { file: context.files.locate(use.name), line: 0 };
    yield { place, text: `${use.parameter}: a file of mode 0${(stat.mode & 0o777).toString(8)}` };
  }
  for (const name of ['smtpd_tls_key_file', 'smtp_tls_key_file']) {
    const path = context.text(name);
    const stat = path.startsWith('/') && context.isSet(name) ? context.files.stat(path) : undefined;
    if (stat === undefined || (stat.mode & 0o004) === 0) continue;
    yield {
      place: context.placeOf(name),
      text: `${name}: the private key has mode 0${(stat.mode & 0o777).toString(8)}`,
    };
  }
}

function modeOf(context: LintContext, file: string): string {
  return ((context.files.stat(file)?.mode ?? 0) & 0o777).toString(8);
}

/** In queries, and in the scripts of the folder. */
function* statements(context: LintContext, form: RegExp): Generator<Hit> {
  for (const { source } of sources(context)) {
    if (form.test(source.query)) yield { place: source.queryPlace, text: cut(source.query, 90) };
  }
  for (const file of scripts(context)) {
    const read = context.files.read(file);
    if (read.kind === 'failed') continue;
    for (const { text, place } of splitStatements(read.text, file)) {
      const match = form.exec(text);
      if (match === null) continue;
      const line = place.line + (text.slice(0, match.index).match(/\n/g)?.length ?? 0);
      yield { place: { file, line }, text: cut(match[0].replace(/\s+/g, ' '), 90) };
    }
  }
}

function scripts(context: LintContext): string[] {
  try {
    const names = readdirSync(context.directory).filter((name) => name.endsWith('.sql'));
    return names.toSorted().map((name) => join(context.directory, name));
  } catch {
    return [];
  }
}

function* splitStatements(text: string, file: string): Generator<{ text: string; place: Place }> {
  let line = 1;
  for (const part of text.split(';')) {
    yield { text: part, place: { file, line } };
    line += part.match(/\n/g)?.length ?? 0;
  }
}
