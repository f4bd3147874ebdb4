// The catch-all of a domain: who gets mail to names that nobody has, and what was decided about names that came to be used.

import { Alert, Badge, Button, Card, Group, Radio, SegmentedControl, Stack, Text, Title } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Output, Row } from '../api.ts';
import { AddressesField } from '../parts/addresses-field.tsx';
import { BigTable, type Column } from '../parts/big-table.tsx';
import { DraftState, Form, useDraft } from '../parts/form.tsx';
import { formatAge, formatNumber } from '../parts/format.ts';
import { usePlannedChange } from '../parts/plan-preview.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { Empty, Failed, NoAnswer } from '../parts/states.tsx';
import { useTagged } from '../parts/use-tagged.ts';
import { UnknownTargets, useUnknownTargets } from './domain-alias-form.tsx';

type CatchAll = Output<'catch-all.show'>;
type Mode = CatchAll['mode'];
type Caught = Row<'catch-all.list'>;
const route = getRouteApi('/shell/domains/$domain');

export function CatchAllTab({ domain }: { readonly domain: string }) {
  const { data, error, refetch } = useTagged('catch-all.show', { domain });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  return (
    <Stack>
      <CatchAllCard catchAll={data.value} etag={data.etag} />
      <CaughtAddresses catchAll={data.value} />
    </Stack>
  );
}

function CatchAllCard({ catchAll, etag }: FormProps) {
  const { t } = useTranslation();
  const { domain } = catchAll;
  return (
    <Card withBorder padding="lg">
      <Stack>
        <Stack gap={4}>
          <Title order={2} size="h4">
            {t('Mail to names that nobody has')}
          </Title>
          <Text size="sm" c="dimmed">
            {t(
              'Mailboxes, aliases and lists always come first. A catch-all takes what is left: also what spammers make up.',
            )}
          </Text>
        </Stack>
        <TargetsForm catchAll={catchAll} />
        {catchAll.targets.length === 0 ? (
          <Text size="sm">
            {t('There is no catch-all: mail to names that nobody has in {{domain}} is refused.', { domain })}
          </Text>
        ) : (
          <ModeForm catchAll={catchAll} etag={etag} />
        )}
      </Stack>
    </Card>
  );
}

interface FormProps {
  readonly catchAll: CatchAll;
  readonly etag: string | undefined;
}

function TargetsForm({ catchAll: { domain, targets: shown } }: Pick<FormProps, 'catchAll'>) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const tellUnknown = useUnknownTargets();
  const address = `@${domain}`;
  // Where it leads is an alias, with a tag of its own.
  const isThere = shown.length > 0;
  const alias = useTagged('alias.show', { address }, isThere);
  const { value, etag } = (isThere ? alias.data : undefined) ?? {};
  const isLoading = isThere && value === undefined;
  const draft = useDraft({ targets: value?.targets ?? shown }, etag);
  const { targets } = draft.value;
  const save = async () => {
    const input = { address, targets };
    const done = t('The catch-all is set');
    const made =
      draft.etag === undefined
        ? await planned.run({ operation: 'alias.add', input, done, asksAlways: true })
        : await planned.run({ operation: 'alias.set', input, etag: draft.etag, done });
    if (made === undefined) return;
    draft.drop();
    tellUnknown(made.unknownTargets);
  };
  const remove = async () => {
    const removed = await planned.run({
      operation: 'alias.remove',
      input: { address },
      etag: draft.etag ?? etag,
      title: t('Remove the catch-all?'),
      confirm: t('Remove'),
      done: t('The catch-all is removed'),
      asksAlways: true,
    });
    if (removed !== undefined) draft.drop();
  };
  return (
    <Form onSubmit={save}>
      <Stack gap="sm">
        <DraftState draft={draft} change={planned} />
        {isLoading && alias.error !== null ? <Failed error={alias.error} onRetry={() => void alias.refetch()} /> : null}
        <UnknownTargets unknown={value?.unknownTargets ?? []} />
        <AddressesField
          label={t('The catch-all leads to')}
          placeholder={t('nobody: there is none')}
          domain={domain}
          value={targets}
          onChange={(next) => draft.set({ targets: next })}
        />
        <Group justify="flex-end">
          {isThere ? (
            <Button
              color="red"
              variant="light"
              loading={planned.isBusy}
              disabled={isLoading}
              onClick={() => void remove()}
            >
              {t('Remove the catch-all…')}
            </Button>
          ) : null}
          <Button type="submit" loading={planned.isBusy} disabled={isLoading}>
            {t('Set the catch-all')}
          </Button>
        </Group>
        {planned.dialog}
      </Stack>
    </Form>
  );
}

function ModeForm({ catchAll: { domain, mode: before }, etag }: FormProps) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const draft = useDraft({ mode: before }, etag);
  const { mode } = draft.value;
  const save = async () => {
    const input = { domain, mode };
    const made = await planned.run({ operation: 'catch-all.set', input, etag: draft.etag, done: t('The mode is set') });
    if (made !== undefined) draft.drop();
  };
  return (
    <Form onSubmit={save}>
      <Stack gap="sm">
        <DraftState draft={draft} change={planned} />
        <Radio.Group
          label={t('A name that nobody has decided on')}
          value={mode}
          onChange={(value) => draft.set({ mode: value as Mode })}
        >
          <Stack gap="xs" mt="xs">
            <Radio value="accept" label={t('Accept')} description={t('Its mail is taken, and nothing is noted.')} />
            <Radio
              value="propose"
              label={t('Propose')}
              description={t('Its mail is taken, and the name is listed below for you to decide on.')}
            />
            <Radio
              value="refuse"
              label={t('Refuse')}
              description={t('Its mail is refused; only names that are accepted below are caught.')}
            />
          </Stack>
        </Radio.Group>
        <Group justify="flex-end">
          <Button type="submit" variant="default" loading={planned.isBusy} disabled={mode === before}>
            {t('Set the mode')}
          </Button>
        </Group>
        {planned.dialog}
      </Stack>
    </Form>
  );
}

const states = ['proposed', 'accepted', 'refused'] as const;
type State = (typeof states)[number];

function CaughtAddresses({ catchAll }: { readonly catchAll: CatchAll }) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const { domain } = catchAll;
  const { show = 'proposed' } = route.useSearch();
  const navigate = route.useNavigate();
  const state: State = states.find((one) => one === show) ?? 'proposed';
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set());
  const words: Readonly<Record<State, string>> = {
    proposed: t('To be decided ({{number}})', { number: formatNumber(catchAll.proposed) }),
    accepted: t('Accepted ({{number}})', { number: formatNumber(catchAll.accepted) }),
    refused: t('Refused ({{number}})', { number: formatNumber(catchAll.refused) }),
  };
  const decide = async (operation: 'catch-all.accept' | 'catch-all.refuse' | 'catch-all.forget', done: string) => {
    const made = await planned.run({ operation, input: { addresses: [...ticked] }, done });
    if (made !== undefined) setTicked(new Set());
  };
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Title order={2} size="h4">
          {t('Names that came to be used')}
        </Title>
        <SegmentedControl
          aria-label={t('Which names')}
          value={state}
          onChange={(value) => {
            setTicked(new Set());
            void navigate({ search: (now) => ({ ...now, show: value }), replace: true });
          }}
          data={states.map((value) => ({ value, label: words[value] }))}
        />
      </Group>
      {ticked.size === 0 ? null : (
        <Group role="group" aria-label={t('Decide on the ticked names')}>
          <Text size="sm" fw={600}>
            {t('Ticked: {{number}}', { number: formatNumber(ticked.size) })}
          </Text>
          {state === 'accepted' ? null : (
            <Button size="xs" variant="default" onClick={() => void decide('catch-all.accept', t('Accepted'))}>
              {t('Accept')}
            </Button>
          )}
          {state === 'refused' ? null : (
            <Button size="xs" variant="default" onClick={() => void decide('catch-all.refuse', t('Refused'))}>
              {t('Refuse')}
            </Button>
          )}
          <Button size="xs" variant="default" onClick={() => void decide('catch-all.forget', t('Forgotten'))}>
            {t('Forget')}
          </Button>
        </Group>
      )}
      {planned.problem === undefined ? null : <Failed error={planned.problem} />}
      <BigTable
        label={t('Names that came to be used in {{domain}}', { domain })}
        operation="catch-all.list"
        input={{ domain, state }}
        columns={useColumns()}
        keyOf={({ address }) => address}
        selection={{ keys: ticked, onChange: setTicked }}
        height={360}
        empty={<NoNames state={state} />}
      />
      {planned.dialog}
    </Stack>
  );
}

function NoNames({ state }: { readonly state: State }) {
  const { t } = useTranslation();
  if (state !== 'proposed') return <Empty title={t('No name was decided on like that')} />;
  return (
    <Alert color="gray" variant="light" title={t('Nothing to decide on')}>
      {t('In the mode "Propose" names that got mail are listed here.')}
    </Alert>
  );
}

function useColumns(): readonly Column<Caught>[] {
  const { t } = useTranslation();
  return [
    { title: t('Address'), cell: ({ address }) => shownNames(address), width: '2fr' },
    { title: t('Messages'), cell: ({ messages }) => formatNumber(messages), isNumber: true },
    { title: t('First from'), cell: ({ sender }) => (sender === '' ? '–' : shownNames(sender)), width: '2fr' },
    { title: t('Last'), cell: ({ lastSeen }) => (lastSeen === 0 ? '–' : formatAge(lastSeen)), width: '1.300fr' },
    {
      title: t('State'),
      cell: ({ state }) => (
        <Badge
          variant="light"
          tt="none"
          color={state === 'refused' ? 'red' : state === 'accepted' ? 'green' : 'orange'}
        >
          {state === 'refused' ? t('refused') : state === 'accepted' ? t('accepted') : t('proposed')}
        </Badge>
      ),
    },
  ];
}
