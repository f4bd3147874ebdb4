// One mailbox beside the list: all that can be set about it, in the order in which people come for it.

import { Group, Stack, Tabs, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { formatAge, formatTime } from '../parts/format.ts';
import { AnchorLink } from '../parts/links.tsx';
import { NoAnswer } from '../parts/states.tsx';
import { useTagged } from '../parts/use-tagged.ts';
import { MailboxAccess } from './domain-mailbox-access.tsx';
import { MailboxAway } from './domain-mailbox-away.tsx';
import { MailboxEnd } from './domain-mailbox-end.tsx';
import type { MailboxInfo } from './domain-mailbox-form.ts';
import { MailboxGeneral } from './domain-mailbox-general.tsx';

interface MailboxPanelProps {
  readonly address: string;
  /** It has another address now, or is gone. */
  readonly onMove: (address: string | undefined) => void;
}

export function MailboxPanel({ address, onMove }: MailboxPanelProps) {
  const { t } = useTranslation();
  const { data, error, refetch } = useTagged('mailbox.show', { address });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  const { value: mailbox, etag } = data;
  const part = { mailbox, etag };
  return (
    <Stack gap="sm">
      <Facts mailbox={mailbox} />
      <Tabs defaultValue="general" keepMounted={false}>
        <Tabs.List mb="md" className="long-tabs">
          <Tabs.Tab value="general">{t('Mailbox')}</Tabs.Tab>
          <Tabs.Tab value="away">{t('Forward and vacation')}</Tabs.Tab>
          <Tabs.Tab value="access">{t('Logins')}</Tabs.Tab>
          <Tabs.Tab value="end">{t('Rename or remove')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="general">
          <MailboxGeneral {...part} />
        </Tabs.Panel>
        <Tabs.Panel value="away">
          <MailboxAway {...part} />
        </Tabs.Panel>
        <Tabs.Panel value="access">
          <MailboxAccess {...part} />
        </Tabs.Panel>
        <Tabs.Panel value="end">
          <MailboxEnd {...part} onMove={onMove} />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

function Facts({ mailbox: { address, created, lastLogin } }: { readonly mailbox: MailboxInfo }) {
  const { t } = useTranslation();
  return (
    <Group justify="space-between" gap="xs">
      <Text size="sm" c="dimmed">
        {t('Added {{time}}', { time: formatTime(created) })}
        {' · '}
        {lastLogin === undefined
          ? t('nobody has logged in yet')
          : t('last login {{age}} by {{protocol}} from {{place}}', {
              age: formatAge(lastLogin.time),
              protocol: lastLogin.protocol,
              place: lastLogin.address,
            })}
      </Text>
      <AnchorLink to="/explain" search={{ address }} size="sm">
        {t('Where does its mail go?')}
      </AnchorLink>
    </Group>
  );
}
