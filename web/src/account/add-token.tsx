// A new token: a name, what it may, and when it ends.

import { MultiSelect, Radio, Select, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, type Output } from '../api.ts';
import { places } from '../api-operations.ts';
import { FormEnd } from '../parts/form.tsx';
import { Failed } from '../parts/states.tsx';
import { useChange } from '../parts/use-change.ts';
import { type Role, useSession } from '../session.tsx';

interface AddTokenProps {
  readonly onMade: (token: Output<'token.add'>) => void;
  readonly onCancel: () => void;
}

type Reach = 'all' | 'read' | 'chosen';

const dayMilliseconds = 86_400_000;
/** What concerns a person, or nobody in particular: no token can do it. */
const areasOfPersons = new Set(['account', 'session', 'setup', 'recovery']);
const areasOfMailboxes = new Set(['mailbox', 'app-password', 'quota', 'reaches', 'token']);

export function AddToken({ onMade, onCancel }: AddTokenProps) {
  const { t } = useTranslation();
  const { role } = useSession();
  const change = useChange();
  const [name, setName] = useState('');
  const [reach, setReach] = useState<Reach>('read');
  const [chosen, setChosen] = useState<string[]>([]);
  const [days, setDays] = useState('90');
  const scopes = useMemo(() => scopesFor(role), [role]);
  const { problem } = change;
  const errorAt = (field: string) => (problem?.field === field ? problem.text : undefined);
  const isElsewhere = problem !== undefined && problem.field !== 'name' && problem.field !== 'scopes';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void change.run(async () => {
      const wanted = { all: ['*'], read: ['*:read'], chosen }[reach];
      const expires = days === '0' ? 0 : Date.now() + Number(days) * dayMilliseconds;
      onMade(await call('token.add', { name: name.trim(), scopes: wanted, expires }));
    });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {isElsewhere ? <Failed error={problem} /> : null}
        <TextInput
          label={t('Name')}
          description={t('What it is for')}
          required
          maxLength={64}
          data-autofocus
          value={name}
          error={errorAt('name')}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Radio.Group label={t('It may')} value={reach} onChange={(value) => setReach(value as Reach)}>
          <Stack gap="xs" mt="xs">
            <Radio value="read" label={t('read everything that you may')} />
            <Radio value="all" label={t('do everything that you may')} />
            <Radio value="chosen" label={t('what you choose')} />
          </Stack>
        </Radio.Group>
        {reach === 'chosen' ? (
          <MultiSelect
            label={t('Scopes')}
            description={t('Of the areas of the commands: to read, or to change too')}
            data={scopes}
            value={chosen}
            onChange={setChosen}
            error={errorAt('scopes')}
            searchable
            hidePickedOptions
          />
        ) : null}
        <Select
          label={t('It ends')}
          allowDeselect={false}
          value={days}
          onChange={(value) => setDays(value ?? '90')}
          data={[
            { value: '30', label: t('after 30 days') },
            { value: '90', label: t('after 90 days') },
            { value: '365', label: t('after a year') },
            { value: '0', label: t('never') },
          ]}
        />
        <FormEnd
          onCancel={onCancel}
          isBusy={change.isBusy}
          label={t('Make it')}
          isDisabled={reach === 'chosen' && chosen.length === 0}
        />
      </Stack>
    </form>
  );
}

/** `mailbox:read`, `mailbox:write` … */
function scopesFor(role: Role): string[] {
  const areas = new Set(Object.keys(places).map((name) => name.slice(0, name.indexOf('.'))));
  return [...areas]
    .filter((area) => !areasOfPersons.has(area) && (role !== 'user' || areasOfMailboxes.has(area)))
    .flatMap((area) => [`${area}:read`, `${area}:write`]);
}
