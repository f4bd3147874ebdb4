// The status of each parameter is the truth: what the program reads is supported, and what is supported is read.
// A parameter counts as read where its name stands in the program, or where one that is read refers to it by default.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { referencedNames } from './expand.ts';
import { findParameter, isDeclared, parameterNames } from './registry.ts';
import { transportDefault } from './transport-parameters.ts';

/** Read only to say that a value is not supported, or to show it. */
const readToRefuse = new Set([
  // An attribute of check_policy_service too, and only that.
  'max_idle',
  'posthaste_pop3_listen',
  'posthaste_pop3s_listen',
  'posthaste_sieve_listen',
  'smtpd_proxy_filter',
  'smtp_tls_per_site',
  'lmtp_tls_per_site',
]);

/** Where names are looked at and nothing follows them: what lint says is about any configuration of Postfix. */
const filesThatOnlyLook = /^lint\//;

/** Read inside this folder. */
const readHere = [
  'compatibility_level',
  'config_directory',
  'import_environment',
  'inet_interfaces',
  'inet_protocols',
  'known_tcp_ports',
  'mynetworks_style',
  'process_id',
  'process_name',
  'service_name',
  'smtpd_restriction_classes',
  'smtpd_sasl_type',
];

const source = join(import.meta.dirname, '..');

function programFiles(): string[] {
  return globSync('**/*.ts', { cwd: source }).filter(
    (file) => !file.startsWith('settings/') && !file.endsWith('.test.ts') && !filesThatOnlyLook.test(file),
  );
}

function namesRead(): Set<string> {
  const names = new Set(readHere);
  for (const file of programFiles()) {
    const text = readFileSync(join(source, file), 'utf8');
    for (const [, name = ''] of text.matchAll(/['"`]([0-9a-zA-Z]+(?:_[0-9a-zA-Z]+)*)['"`]/g)) {
      if (/_|^my|^relayhost$/.test(name) && isDeclared(name)) names.add(name);
    }
    for (const [, rest] of text.matchAll(/`\$\{protocol\}(_\w+)`/g))
      for (const one of ['smtp', 'lmtp']) names.add(`${one}${rest}`);
    for (const [, suffix] of text.matchAll(/\.transport(?:Integer|Seconds|Text)\(\s*\w+,\s*'(\w+)'/g)) {
      const name = transportDefault(`x_${suffix}`)?.slice(1);
      if (name !== undefined) names.add(name).add(`local_${suffix}`);
    }
  }
  for (const name of names) {
    if (!isDeclared(name)) names.delete(name);
    // Those defaults name the tables of every parameter, to be checked against, and a file in place of which we have another.
    else if (name !== 'proxy_read_maps' && name !== 'address_verify_map')
      for (const reference of referencedNames(findParameter(name)?.default ?? '')) names.add(reference);
  }
  for (const name of readToRefuse) names.delete(name);
  return names;
}

test('what is read is supported, and what is supported is read', () => {
  const read = namesRead();
  const supported = parameterNames().filter((name) => findParameter(name)?.status === 'supported');
  expect({
    'to be declared supported in settings/parameters/': [...read].filter(
      (name) => findParameter(name)?.status !== 'supported',
    ),
    'to be declared unsupported there, as nothing reads them': supported.filter((name) => !read.has(name)),
  }).toEqual({
    'to be declared supported in settings/parameters/': [],
    'to be declared unsupported there, as nothing reads them': [],
  });
});

test('each parameter is read in its own kind', () => {
  const kinds: Readonly<Record<string, readonly string[]>> = {
    text: ['text', 'raw', 'list'],
    list: ['list'],
    flag: ['flag'],
    integer: ['integer'],
    seconds: ['time'],
  };
  const wrong: string[] = [];
  // A table's settings stand in a file of its own (tables/table-settings.ts).
  for (const file of programFiles().filter((one) => !one.startsWith('tables/'))) {
    const text = readFileSync(join(source, file), 'utf8');
    for (const [, accessor = '', name = ''] of text.matchAll(
      /ettings\.(text|list|flag|integer|seconds)\(\s*'(\w+)'/g,
    )) {
      const kind = findParameter(name)?.kind ?? 'unknown';
      if (!kinds[accessor]?.includes(kind)) wrong.push(`${file}: ${accessor}('${name}') is of kind ${kind}`);
    }
  }
  expect(wrong).toEqual([]);
});
