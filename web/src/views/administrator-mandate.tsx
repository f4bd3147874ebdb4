// What somebody may do from then on, in a sentence or two: read before one saves.

import { Alert, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Row } from '../api.ts';
import { Icon } from '../parts/icon.tsx';

export type AdministratorRole = Row<'admin.list'>['role'];

interface MandateProps {
  readonly role: AdministratorRole;
  readonly domains: readonly string[];
  /** What it was. */
  readonly before?: { readonly role: AdministratorRole; readonly domains: readonly string[] };
}

const shown = 8;

export function Mandate({ role, domains, before }: MandateProps) {
  const { t } = useTranslation();
  const named = (all: readonly string[]) =>
    all.length > shown
      ? `${all.slice(0, shown).join(', ')} ${t('and {{count}} more', { count: all.length - shown })}`
      : all.join(', ');
  const lost =
    before?.role === 'domain' ? before.domains.filter((one) => role === 'domain' && !domains.includes(one)) : [];
  const isLess = before?.role === 'host' && role === 'domain';
  return (
    <Alert
      color={isLess || lost.length > 0 ? 'orange' : 'blue'}
      variant="light"
      icon={<Icon name={isLess || lost.length > 0 ? 'warning' : 'people'} />}
      title={t('From then on')}
    >
      {role === 'host' ? (
        <Text size="sm">
          {t('Everything on this host: all domains, the queue, the settings, and who else administers.')}
        </Text>
      ) : domains.length === 0 ? (
        <Text size="sm">{t('Nothing yet: choose domains.')}</Text>
      ) : (
        <Text size="sm">
          {t(
            'Mailboxes, aliases, lists, quotas and rights to send of {{domains}}. Other domains do not exist for them.',
            {
              domains: named(domains),
            },
          )}
        </Text>
      )}
      {lost.length === 0 ? null : (
        <Text size="sm" mt={4}>
          {t('No longer, from the very next click: {{domains}}.', { domains: named(lost) })}
        </Text>
      )}
      {isLess ? (
        <Text size="sm" mt={4}>
          {t('No longer the host: settings, queue and other domains are gone from the very next click.')}
        </Text>
      ) : null}
    </Alert>
  );
}
