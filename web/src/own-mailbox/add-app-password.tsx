// A new app password: what it is for, and what it may.

import { Checkbox, Select, Stack, TagsInput, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, type Output } from '../api.ts';
import { FormEnd } from '../parts/form.tsx';
import { Failed } from '../parts/states.tsx';
import { useChange } from '../parts/use-change.ts';

interface AddAppPasswordProps {
  readonly address: string;
  readonly onMade: (made: Output<'app-password.add'>) => void;
  readonly onCancel: () => void;
}

const dayMilliseconds = 86_400_000;

export function AddAppPassword({ address, onMade, onCancel }: AddAppPasswordProps) {
  const { t } = useTranslation();
  const change = useChange();
  const [name, setName] = useState('');
  const [protocols, setProtocols] = useState<string[]>(['imap', 'pop3', 'smtp', 'sieve']);
  const [senders, setSenders] = useState<string[]>([]);
  const [typed, setTyped] = useState('');
  const [days, setDays] = useState('0');
  const { problem } = change;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void change.run(async () => {
      const all = typed.trim() === '' ? senders : [...new Set([...senders, typed.trim()])];
      const expires = days === '0' ? 0 : Date.now() + Number(days) * dayMilliseconds;
      const input = { mailbox: address, name: name.trim(), protocols, senders: all, expires };
      onMade(await call('app-password.add', input));
    });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {problem === undefined || problem.field === 'name' ? null : <Failed error={problem} />}
        <TextInput
          label={t('Name')}
          description={t('What it is for: telephone, scanner …')}
          required
          maxLength={64}
          data-autofocus
          value={name}
          error={problem?.field === 'name' ? problem.text : undefined}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Checkbox.Group label={t('It may')} value={protocols} onChange={setProtocols}>
          <Stack gap="xs" mt="xs">
            <Checkbox value="imap" label={t('read mail by IMAP')} />
            <Checkbox value="pop3" label={t('fetch mail by POP3')} />
            <Checkbox value="smtp" label={t('send mail (SMTP)')} />
            <Checkbox value="sieve" label={t('change filters (ManageSieve)')} />
          </Stack>
        </Checkbox.Group>
        {protocols.includes('smtp') ? (
          <TagsInput
            label={t('Sends only as')}
            description={t('Addresses, or @domain; empty: all that you may')}
            value={senders}
            onChange={setSenders}
            searchValue={typed}
            onSearchChange={setTyped}
            splitChars={[',', ';', ' ']}
            maxTags={100}
          />
        ) : null}
        <Select
          label={t('It ends')}
          allowDeselect={false}
          value={days}
          onChange={(value) => setDays(value ?? '0')}
          data={[
            { value: '0', label: t('never') },
            { value: '30', label: t('after 30 days') },
            { value: '90', label: t('after 90 days') },
            { value: '365', label: t('after a year') },
          ]}
        />
        <FormEnd onCancel={onCancel} isBusy={change.isBusy} label={t('Make it')} isDisabled={protocols.length === 0} />
      </Stack>
    </form>
  );
}
