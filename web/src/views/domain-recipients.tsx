// The recipients of a relay domain: whether it takes mail for all, or for those who are listed here alone.

import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { AddressesField } from '../parts/addresses-field.tsx';
import { BigTable } from '../parts/big-table.tsx';
import { Form } from '../parts/form.tsx';
import { formatNumber, formatTime } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { usePlannedChange } from '../parts/plan-preview.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { Empty, Failed } from '../parts/states.tsx';
import { useSession } from '../session.tsx';
import { ImportDialog } from './domain-import.tsx';
import type { DomainInfo } from './domain-state.tsx';

export function RecipientsTab({ domain: { name: domain, recipients } }: { readonly domain: DomainInfo }) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const { role } = useSession();
  const [fresh, setFresh] = useState<readonly string[]>([]);
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set());
  const [isPasting, pasting] = useDisclosure();
  const isListed = recipients === 'listed';
  const add = async () => {
    if (fresh.length === 0) return;
    const input = { addresses: fresh };
    const added = await planned.run({ operation: 'relay-recipient.add', input, done: t('Recipients added') });
    if (added !== undefined) setFresh([]);
  };
  const remove = async () => {
    const input = { addresses: [...ticked] };
    const done = t('Recipients removed: {{number}}', { number: formatNumber(ticked.size) });
    const removed = await planned.run({ operation: 'relay-recipient.remove', input, done });
    if (removed !== undefined) setTicked(new Set());
  };
  const change = async () =>
    void (await planned.run({
      operation: 'domain.set',
      input: { name: domain, recipients: isListed ? 'all' : 'listed' },
      done: t('{{domain}} changed', { domain }),
      asksAlways: true,
    }));
  return (
    <Stack>
      <Alert
        color={isListed ? 'green' : 'orange'}
        variant="light"
        title={isListed ? t('Mail is taken for the recipients below alone') : t('Mail is taken for every address')}
      >
        <Group justify="space-between">
          <Text size="sm" style={{ flex: '1 1 320px' }}>
            {isListed
              ? t('Others are refused at once.')
              : t(
                  'What the next host refuses comes back to senders who may be made up. Better is to list the recipients.',
                )}
          </Text>
          {role === 'host' ? (
            <Button size="xs" variant="default" loading={planned.isBusy} onClick={() => void change()}>
              {isListed ? t('Take mail for every address') : t('Take mail for listed recipients alone')}
            </Button>
          ) : null}
        </Group>
      </Alert>
      {planned.problem === undefined ? null : <Failed error={planned.problem} />}
      <Form onSubmit={add}>
        <Stack gap="xs">
          <AddressesField label={t('New recipients')} domain={domain} value={fresh} onChange={setFresh} />
          <Group justify="flex-end">
            <Button variant="default" leftSection={<Icon name="paste" />} onClick={pasting.open}>
              {t('Add many')}
            </Button>
            <Button type="submit" loading={planned.isBusy}>
              {t('Add recipients')}
            </Button>
          </Group>
        </Stack>
      </Form>
      {ticked.size === 0 ? null : (
        <Group>
          <Text size="sm" fw={600}>
            {t('Ticked: {{number}}', { number: formatNumber(ticked.size) })}
          </Text>
          <Button size="xs" color="red" variant="light" loading={planned.isBusy} onClick={() => void remove()}>
            {t('Remove')}
          </Button>
        </Group>
      )}
      <BigTable
        label={t('Recipients of {{domain}}', { domain })}
        operation="relay-recipient.list"
        input={{ domain }}
        columns={[
          { title: t('Address'), cell: ({ address }) => shownNames(address), width: '3fr' },
          { title: t('Added'), cell: ({ created }) => formatTime(created), width: '2fr' },
        ]}
        keyOf={({ address }) => address}
        selection={{ keys: ticked, onChange: setTicked }}
        height="calc(100dvh - 480px)"
        empty={<Empty title={t('No recipient is listed yet')} />}
      />
      <ImportDialog domain={domain} kind="recipient" isOpen={isPasting} onClose={pasting.close} />
      {planned.dialog}
    </Stack>
  );
}
