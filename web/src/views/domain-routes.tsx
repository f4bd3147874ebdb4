// What the host has said about the mail of the domain besides: where it goes, who gets copies, what is refused or let pass.

import { Button, Group, Select, Stack, Text, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Row, useCall } from '../api.ts';
import { SmallTable } from '../parts/big-table.tsx';
import { Form } from '../parts/form.tsx';
import { type PlannedChange, usePlannedChange } from '../parts/plan-preview.tsx';
import { Failed, Loading } from '../parts/states.tsx';

/** A domain has few; a page holds them. */
const limit = 500;

export function RoutesTab({ domain }: { readonly domain: string }) {
  const planned = usePlannedChange();
  return (
    <Stack gap="xl">
      {planned.problem === undefined ? null : <Failed error={planned.problem} />}
      <Transports domain={domain} planned={planned} />
      <Copies domain={domain} planned={planned} />
      <Rules domain={domain} planned={planned} />
      {planned.dialog}
    </Stack>
  );
}

interface PartProps {
  readonly domain: string;
  readonly planned: PlannedChange;
}

function Head({ title, note }: { readonly title: string; readonly note: string }) {
  return (
    <Stack gap={2}>
      <Title order={2} size="h4">
        {title}
      </Title>
      <Text size="sm" c="dimmed">
        {note}
      </Text>
    </Stack>
  );
}

function Transports({ domain, planned }: PartProps) {
  const { t } = useTranslation();
  const { data, error, refetch } = useCall('transport.list', { domain, limit });
  const [place, setPlace] = useState(domain);
  const [transport, setTransport] = useState('');
  const add = async () => {
    const input = { place, transport };
    const made = await planned.run({ operation: 'transport.add', input, done: t('Saved'), asksAlways: true });
    if (made !== undefined) setTransport('');
  };
  const remove = async (one: string) =>
    void (await planned.run({
      operation: 'transport.remove',
      input: { place: one },
      title: t('Remove the transport of {{place}}?', { place: one }),
      confirm: t('Remove'),
      done: t('Removed'),
      asksAlways: true,
    }));
  return (
    <Stack>
      <Head
        title={t('Transports')}
        note={t('Where mail goes instead of the usual way: of the domain, of names below it, of an address.')}
      />
      <Form onSubmit={add}>
        <Group align="flex-end">
          <TextInput
            label={t('Mail for')}
            required
            style={{ flex: '1 1 200px' }}
            value={place}
            onChange={(event) => setPlace(event.currentTarget.value)}
          />
          <TextInput
            label={t('Goes by')}
            placeholder="smtp:[192.0.2.1]:25"
            required
            style={{ flex: '1 1 200px' }}
            value={transport}
            onChange={(event) => setTransport(event.currentTarget.value)}
          />
          <Button type="submit" loading={planned.isBusy}>
            {t('Add')}
          </Button>
        </Group>
      </Form>
      {error === null ? null : <Failed error={error} onRetry={() => void refetch()} />}
      <Few
        label={t('Transports')}
        rows={data?.items}
        keyOf={(row) => row.place}
        columns={[
          { title: t('Mail for'), cell: (row) => <span className="mono">{row.place}</span> },
          { title: t('Goes by'), cell: (row) => <span className="mono">{row.transport}</span> },
        ]}
        onRemove={(row) => void remove(row.place)}
        isBusy={planned.isBusy}
      />
    </Stack>
  );
}

type Copy = Row<'bcc.list'>;

function Copies({ domain, planned }: PartProps) {
  const { t } = useTranslation();
  const { data, error, refetch } = useCall('bcc.list', { domain, limit });
  const [side, setSide] = useState<Copy['side']>('recipient');
  const [place, setPlace] = useState(`@${domain}`);
  const [address, setAddress] = useState('');
  const sides = { recipient: t('gets'), sender: t('sends') } as const;
  const add = async () => {
    const input = { side, place, address };
    const made = await planned.run({ operation: 'bcc.add', input, done: t('Saved'), asksAlways: true });
    if (made !== undefined) setAddress('');
  };
  return (
    <Stack>
      <Head
        title={t('Copies')}
        note={t('Somebody gets a blind copy of what an address, or all of the domain, sends or gets.')}
      />
      <Form onSubmit={add}>
        <Group align="flex-end">
          <Select
            label={t('Of what it')}
            allowDeselect={false}
            w={130}
            value={side}
            onChange={(value) => setSide((value ?? 'recipient') as Copy['side'])}
            data={Object.entries(sides).map(([value, label]) => ({ value, label }))}
          />
          <TextInput
            label={t('Address, or @domain for all of it')}
            required
            style={{ flex: '1 1 200px' }}
            value={place}
            onChange={(event) => setPlace(event.currentTarget.value)}
          />
          <TextInput
            label={t('A copy goes to')}
            required
            style={{ flex: '1 1 200px' }}
            value={address}
            onChange={(event) => setAddress(event.currentTarget.value)}
          />
          <Button type="submit" loading={planned.isBusy}>
            {t('Add')}
          </Button>
        </Group>
      </Form>
      {error === null ? null : <Failed error={error} onRetry={() => void refetch()} />}
      <Few
        label={t('Copies')}
        rows={data?.items}
        keyOf={(row) => `${row.side} ${row.place}`}
        columns={[
          { title: t('Address'), cell: (row) => <span className="mono">{row.place}</span> },
          { title: t('Of what it'), cell: (row) => sides[row.side] },
          { title: t('A copy goes to'), cell: (row) => <span className="mono">{row.address}</span> },
        ]}
        onRemove={({ side: of, place: at }) =>
          void planned.run({ operation: 'bcc.remove', input: { side: of, place: at }, done: t('Removed') })
        }
        isBusy={planned.isBusy}
      />
    </Stack>
  );
}

type Rule = Row<'access.list'>;

function Rules({ domain, planned }: PartProps) {
  const { t } = useTranslation();
  const { data, error, refetch } = useCall('access.list', { domain, limit });
  const [stage, setStage] = useState<Rule['stage']>('recipient');
  const [pattern, setPattern] = useState(domain);
  const [action, setAction] = useState('');
  const [note, setNote] = useState('');
  const stages = {
    recipient: t('recipient'),
    sender: t('sender'),
    helo: t('name at EHLO'),
    client: t('client'),
  } as const;
  const add = async () => {
    const input = { stage, pattern, action, ...(note === '' ? {} : { note }) };
    const made = await planned.run({ operation: 'access.add', input, done: t('Saved'), asksAlways: true });
    if (made === undefined) return;
    setAction('');
    setNote('');
  };
  return (
    <Stack>
      <Head
        title={t('Access rules')}
        note={t('What is refused or let pass when the domain or one of its addresses is named, as access(5) has it.')}
      />
      <Form onSubmit={add}>
        <Group align="flex-end">
          <Select
            label={t('Where it is the')}
            allowDeselect={false}
            w={150}
            value={stage}
            onChange={(value) => setStage((value ?? 'recipient') as Rule['stage'])}
            data={Object.entries(stages).map(([value, label]) => ({ value, label }))}
          />
          <TextInput
            label={t('Pattern')}
            required
            style={{ flex: '1 1 160px' }}
            value={pattern}
            onChange={(event) => setPattern(event.currentTarget.value)}
          />
          <TextInput
            label={t('Action')}
            placeholder="REJECT"
            required
            style={{ flex: '1 1 160px' }}
            value={action}
            onChange={(event) => setAction(event.currentTarget.value)}
          />
          <TextInput
            label={t('Note')}
            style={{ flex: '1 1 160px' }}
            value={note}
            onChange={(event) => setNote(event.currentTarget.value)}
          />
          <Button type="submit" loading={planned.isBusy}>
            {t('Add')}
          </Button>
        </Group>
      </Form>
      {error === null ? null : <Failed error={error} onRetry={() => void refetch()} />}
      <Few
        label={t('Access rules')}
        rows={data?.items}
        keyOf={(row) => `${row.stage} ${row.pattern}`}
        columns={[
          { title: t('Where it is the'), cell: (row) => stages[row.stage] },
          { title: t('Pattern'), cell: (row) => <span className="mono">{row.pattern}</span> },
          { title: t('Action'), cell: (row) => <span className="mono">{row.action}</span> },
          { title: t('Note'), cell: (row) => row.note ?? '' },
        ]}
        onRemove={({ stage: of, pattern: at }) =>
          void planned.run({ operation: 'access.remove', input: { stage: of, pattern: at }, done: t('Removed') })
        }
        isBusy={planned.isBusy}
      />
    </Stack>
  );
}

interface FewProps<T> {
  readonly label: string;
  readonly rows: readonly T[] | undefined;
  readonly keyOf: (row: T) => string;
  readonly columns: React.ComponentProps<typeof SmallTable<T>>['columns'];
  readonly onRemove: (row: T) => void;
  readonly isBusy: boolean;
}

function Few<T>({ label, rows, keyOf, columns, onRemove, isBusy }: FewProps<T>) {
  const { t } = useTranslation();
  if (rows === undefined) return <Loading />;
  if (rows.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t('None.')}
      </Text>
    );
  }
  const remove = (row: T) => (
    <Button
      size="xs"
      variant="light"
      color="red"
      loading={isBusy}
      aria-label={t('Remove {{name}}', { name: keyOf(row) })}
      onClick={() => onRemove(row)}
    >
      {t('Remove')}
    </Button>
  );
  return (
    <SmallTable label={label} rows={rows} keyOf={keyOf} columns={[...columns, { title: t('Change'), cell: remove }]} />
  );
}
