// What a domain is, and whether all is well with it, in a few words.

import { Badge, Group } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Output } from '../api.ts';

export type DomainInfo = Output<'domain.show'>;

interface ClassWords {
  readonly short: string;
  readonly long: string;
}

export function useClassWords(): Readonly<Record<DomainInfo['class'], ClassWords>> {
  const { t } = useTranslation();
  return {
    mailbox: {
      short: t('Mailboxes'),
      long: t('People have mailboxes here, and aliases lead to them or elsewhere.'),
    },
    alias: {
      short: t('Aliases only'),
      long: t('There are no mailboxes: every address leads to another one.'),
    },
    relay: {
      short: t('Relay'),
      long: t('Mail is taken and passed on to another host, as a backup or a filter before it.'),
    },
  };
}

export function DomainState({ domain }: { readonly domain: DomainInfo }) {
  const { t } = useTranslation();
  const words: readonly (readonly [string, string])[] = [
    ...(domain.active ? [] : [[t('off'), 'red'] as const]),
    ...(domain.maintenance === undefined ? [] : [[t('maintenance'), 'orange'] as const]),
    ...(domain.postmaster ? [] : [[t('no postmaster'), 'orange'] as const]),
    ...(isNearLimit(domain) ? [[t('near a limit'), 'orange'] as const] : []),
    ...(domain.catchAll ? [[t('catch-all'), 'grape'] as const] : []),
    ...(domain.transport === '' ? [] : [[domain.transport, 'blue'] as const]),
  ];
  const shown = words.length === 0 ? [[t('fine'), 'green'] as const] : words;
  return (
    <Group gap={6} wrap="nowrap">
      {shown.map(([word, color]) => (
        <Badge key={word} color={color} variant="light" tt="none" style={{ flexShrink: 0 }} maw={220}>
          {word}
        </Badge>
      ))}
    </Group>
  );
}

/** As the server's filter has it: nine tenths. */
function isNearLimit(domain: DomainInfo): boolean {
  const isNear = (value: number, limit = 0) => limit > 0 && value * 10 >= limit * 9;
  return (
    isNear(domain.mailboxes, domain.maxMailboxes) ||
    isNear(domain.aliases, domain.maxAliases) ||
    isNear(domain.assignedQuotaBytes ?? 0, domain.totalQuotaBytes)
  );
}
