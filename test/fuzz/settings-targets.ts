// Configuration files: main.cf with its expansions, and master.cf. Never an exception but the one that names the
// mistake, and never an expansion that does not end.

import { parseMainCf } from '../../src/settings/main-cf.ts';
import { parseMasterCf } from '../../src/settings/master-cf.ts';
import { Settings } from '../../src/settings/settings.ts';
import { examples, type Target } from './target.ts';

export const mainCf: Target = {
  name: 'main.cf',
  errors: [],
  maxBytes: 8_192,
  examples: examples(
    '# comment\nmyhostname = mx.example.test\nmydomain = example.test\nmyorigin = $mydomain\n',
    'mynetworks = 127.0.0.0/8,\n   [::1]/128\n  # comment inside\n   10.0.0.0/8\nsmtpd_banner = $myhostname ESMTP\n',
    'a = ${b?yes}${b:no}${b?{x}:{y}}\nb = ${{$a} == {1} ? {one} : {$$}}\nc = $(a)\n',
    'message_size_limit = 10240000\nqueue_lifetime = 5d\nsoft_bounce = yes\nmaximal_queue_lifetime=1w\n',
    'smtpd_recipient_restrictions = permit_mynetworks, { check_policy_service inet:h:1, timeout=1s }\n',
    'a = $b\nb = $a\n',
    'virtual_alias_maps = inline:{ {a@b = c@d}, e=f } static:{x y}\n',
  ),
  words: [
    '$',
    '${',
    '}',
    '{',
    '?',
    ':',
    '=',
    '==',
    '$$',
    '\n',
    '\n ',
    '#',
    ',',
    'a',
    'b',
    '$a',
    '${a',
    '$(',
    ')',
    'mydomain',
    '$mydomain',
    ' >= ',
    'yes',
  ],
  run(input: Buffer): void {
    const { definitions } = parseMainCf(input.toString('utf8'));
    const settings = Settings.fromDefinitions(definitions.values());
    for (const name of [...definitions.keys(), 'myorigin', 'smtpd_banner', 'message_size_limit', 'queue_run_delay']) {
      try {
        settings.check(name);
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'SettingsError') throw error;
      }
    }
  },
};

export const masterCf: Target = {
  name: 'master.cf',
  errors: [],
  maxBytes: 8_192,
  examples: examples(
    'smtp inet n - y - - smtpd\n  -o syslog_name=postfix/submission\n  -o { smtpd_banner = a b }\n# comment\n',
    '127.0.0.1:2525 inet n - n - 10 smtpd -o smtpd_sasl_auth_enable=yes\n[::1]:25 inet n - n - - smtpd\n',
    'maildrop unix - n n - - pipe\n  flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${recipient}\n',
    'pickup unix n - y 60? 1 pickup\n',
  ),
  words: [' inet ', ' unix ', ' - ', 'n ', '-o ', '{', '}', '=', '\n', '\n  ', '#', 'smtpd', '60?', '-1', '$'],
  run(input: Buffer): void {
    parseMasterCf(input.toString('utf8'));
  },
};
