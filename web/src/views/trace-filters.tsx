// What narrows the trace. It stands in the address, so that it can be sent to somebody.

import { Button, Card, Group, Select, SimpleGrid, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Input } from '../api.ts';
import { Form } from '../parts/form.tsx';
import { type MessageState, useStateWords } from '../parts/message-state.tsx';

export interface TraceSearch {
  readonly text?: string;
  readonly subject?: string;
  readonly state?: string;
  /** `1h`, `24h`, `7d`, or a moment as in 2026-11-22T10:00 of the reader's own time zone. */
  readonly since?: string;
  readonly until?: string;
}

type TraceInput = Pick<Input<'trace.list'>, 'text' | 'subject' | 'state' | 'since' | 'until'>;

const spans: Readonly<Record<string, number>> = { '1h': 3_600_000, '24h': 86_400_000, '7d': 604_800_000 };
const states: readonly MessageState[] = ['delivered', 'deferred', 'bounced', 'refused', 'held', 'queued', 'removed'];

export function inputOf({ text, subject, state, since, until }: TraceSearch, now: number): TraceInput {
  const span = spans[since ?? ''];
  const from = span === undefined ? momentOf(since) : now - span;
  const to = momentOf(until);
  const isState = states.some((one) => one === state);
  return {
    ...(text === undefined ? {} : { text }),
    ...(subject === undefined ? {} : { subject }),
    ...(isState ? { state: state as MessageState } : {}),
    ...(from === undefined ? {} : { since: from }),
    ...(to === undefined ? {} : { until: to }),
  };
}

function momentOf(text: string | undefined): number | undefined {
  const time = text === undefined ? Number.NaN : new Date(text).getTime();
  return Number.isNaN(time) ? undefined : time;
}

interface TraceFiltersProps {
  readonly search: TraceSearch;
  readonly onChange: (search: TraceSearch) => void;
}

const own = 'own';

export function TraceFilters({ search, onChange }: TraceFiltersProps) {
  const { t } = useTranslation();
  const words = useStateWords();
  const [draft, setDraft] = useState(search);
  const isPreset = draft.since === undefined || draft.since in spans;
  const [isOwnTime, setOwnTime] = useState(!isPreset || draft.until !== undefined);
  const send = (next: TraceSearch) => {
    const given = Object.entries(next).filter(([, value]) => typeof value === 'string' && value.trim() !== '');
    onChange(Object.fromEntries(given.map(([name, value]) => [name, String(value).trim()])));
  };
  /** Chosen, not typed: it counts at once. */
  const choose = (name: 'state' | 'since', value: string | null) => {
    const { [name]: _, ...rest } = draft;
    const next = value === null ? rest : { ...rest, [name]: value };
    setDraft(next);
    send(next);
  };
  const field = (name: keyof TraceSearch, label: string, placeholder: string, type = 'text') => (
    <TextInput
      label={label}
      placeholder={placeholder}
      type={type}
      value={draft[name] ?? ''}
      onChange={(event) => setDraft({ ...draft, [name]: event.currentTarget.value })}
      autoCapitalize="none"
      spellCheck={false}
    />
  );
  return (
    <Card withBorder mb="md">
      <Form role="search" onSubmit={() => send(draft)}>
        <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }} spacing="sm">
          {field('text', t('Address, id or client'), 'anna@example.com')}
          {field('subject', t('Subject'), t('a part of it'))}
          <Select
            label={t('State')}
            placeholder={t('any')}
            clearable
            clearButtonProps={{ 'aria-label': t('Clear') }}
            value={draft.state ?? null}
            data={states.map((value) => ({ value, label: words[value][0] }))}
            onChange={(value) => choose('state', value)}
          />
          <Select
            label={t('Time')}
            placeholder={t('any')}
            clearable
            clearButtonProps={{ 'aria-label': t('Clear') }}
            value={isOwnTime ? own : (draft.since ?? null)}
            data={[
              { value: '1h', label: t('the last hour') },
              { value: '24h', label: t('the last 24 hours') },
              { value: '7d', label: t('the last 7 days') },
              { value: own, label: t('from … to …') },
            ]}
            onChange={(value) => {
              setOwnTime(value === own);
              if (value === own) return;
              const { until: _, ...rest } = draft;
              const { since: __, ...without } = rest;
              const next = value === null ? without : { ...without, since: value };
              setDraft(next);
              send(next);
            }}
          />
          {isOwnTime ? field('since', t('From'), '', 'datetime-local') : null}
          {isOwnTime ? field('until', t('To'), '', 'datetime-local') : null}
        </SimpleGrid>
        <Group mt="sm" gap="xs">
          <Button type="submit">{t('Find')}</Button>
          {Object.keys(search).length === 0 ? null : (
            <Button variant="subtle" onClick={() => onChange({})}>
              {t('Show everything')}
            </Button>
          )}
        </Group>
      </Form>
    </Card>
  );
}
