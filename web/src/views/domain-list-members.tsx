// The members of a mailing list: some typed, many pasted, those that are ticked taken out.

import { Button, Group, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { AddressesField } from '../parts/addresses-field.tsx';
import { BigTable } from '../parts/big-table.tsx';
import { Form } from '../parts/form.tsx';
import { formatNumber } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { usePlannedChange } from '../parts/plan-preview.tsx';
import { Empty, Failed } from '../parts/states.tsx';
import { ImportDialog } from './domain-import.tsx';
import { domainOf } from './domain-mailbox-away.tsx';

export function ListMembers({ list }: { readonly list: string }) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const domain = domainOf(list);
  const [fresh, setFresh] = useState<readonly string[]>([]);
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set());
  const [isPasting, pasting] = useDisclosure();
  const add = async () => {
    if (fresh.length === 0) return;
    const input = { address: list, members: fresh };
    const added = await planned.run({ operation: 'list.members-add', input, done: t('Members added'), isPlain: true });
    if (added !== undefined) setFresh([]);
  };
  const remove = async () => {
    const input = { address: list, members: [...ticked] };
    const done = t('Members taken out: {{number}}', { number: formatNumber(ticked.size) });
    const removed = await planned.run({ operation: 'list.members-remove', input, done, isPlain: true });
    if (removed !== undefined) setTicked(new Set());
  };
  return (
    <Stack>
      {planned.problem === undefined ? null : <Failed error={planned.problem} />}
      <Form onSubmit={add}>
        <Stack gap="xs">
          <AddressesField label={t('New members')} domain={domain} value={fresh} onChange={setFresh} />
          <Group justify="flex-end">
            <Button variant="default" leftSection={<Icon name="paste" />} onClick={pasting.open}>
              {t('Add many')}
            </Button>
            <Button type="submit" loading={planned.isBusy}>
              {t('Add members')}
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
            {t('Take them out')}
          </Button>
        </Group>
      )}
      <BigTable
        label={t('Members of {{list}}', { list })}
        operation="list.members"
        input={{ address: list }}
        columns={[{ title: t('Address'), cell: (member) => member }]}
        keyOf={(member) => member}
        selection={{ keys: ticked, onChange: setTicked }}
        height="calc(100dvh - 420px)"
        empty={<Empty title={t('No member yet')} />}
      />
      <ImportDialog domain={domain} kind="member" list={list} isOpen={isPasting} onClose={pasting.close} />
      {planned.dialog}
    </Stack>
  );
}
