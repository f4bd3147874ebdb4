// How a domain is set: what this host does with its mail, its limits, its tags, its end. A domain's administrator sees the limits.

import {
  Alert,
  Button,
  Divider,
  Group,
  NumberInput,
  Select,
  Stack,
  Switch,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { DraftState, Form, useDraft } from '../parts/form.tsx';
import { formatBytes, formatNumber } from '../parts/format.ts';
import { usePlannedChange } from '../parts/plan-preview.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { isSize, SizeField, sizeOf, sizeText } from '../parts/size-field.tsx';
import { useSession } from '../session.tsx';
import { type DomainInfo, useClassWords } from './domain-state.tsx';
import { ObjectTags } from './object-tags.tsx';

interface SettingsProps {
  readonly domain: DomainInfo;
  readonly etag: string | undefined;
}

export function DomainSettingsTab({ domain, etag }: SettingsProps) {
  const { role } = useSession();
  if (role !== 'host') {
    return (
      <Stack gap="lg" maw={640}>
        <GivenLimits domain={domain} />
        <ObjectTags kind="domain" name={domain.name} />
      </Stack>
    );
  }
  const props = { domain, etag };
  return (
    <Stack gap="lg" maw={720}>
      <MailForm {...props} />
      <Divider />
      <LimitsForm {...props} />
      <Divider />
      <ObjectTags kind="domain" name={domain.name} />
      <Divider />
      <RemoveDomain {...props} />
    </Stack>
  );
}

function MailForm({ domain, etag }: SettingsProps) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const classes = useClassWords();
  const { name } = domain;
  const draft = useDraft(
    {
      kind: domain.class,
      isActive: domain.active,
      maintenance: domain.maintenance ?? '',
      transport: domain.transport,
      unknownTo: domain.unknownTo ?? '',
    },
    etag,
  );
  const { kind, isActive, maintenance, transport, unknownTo } = draft.value;
  const settings = {
    ...(kind === domain.class ? {} : { class: kind }),
    ...(isActive === domain.active ? {} : { active: isActive }),
    ...(maintenance === (domain.maintenance ?? '') ? {} : { maintenance }),
    ...(transport === domain.transport ? {} : { transport }),
    ...(unknownTo === (domain.unknownTo ?? '') ? {} : { unknownTo }),
  };
  const save = async () => {
    const done = t('{{domain}} changed', { domain: name });
    const input = { name, ...settings };
    const changed = await planned.run({ operation: 'domain.set', input, etag: draft.etag, done });
    if (changed !== undefined) draft.drop();
  };
  return (
    <Form onSubmit={save}>
      <Stack>
        <Title order={2} size="h4">
          {t('Its mail')}
        </Title>
        <DraftState draft={draft} change={planned} />
        <Select
          label={t('Class')}
          description={classes[kind].long}
          allowDeselect={false}
          value={kind}
          onChange={(value) => draft.set({ kind: (value ?? kind) as DomainInfo['class'] })}
          data={(['mailbox', 'alias', 'relay'] as const).map((value) => ({ value, label: classes[value].short }))}
        />
        <Switch
          label={t('Its mail is taken')}
          description={t('Off: as if the domain were not hosted')}
          checked={isActive}
          onChange={(event) => draft.set({ isActive: event.currentTarget.checked })}
        />
        <TextInput
          label={t('In maintenance')}
          description={t('Why its mail is put off for now; other hosts try again. Empty: it is not')}
          maxLength={200}
          value={maintenance}
          onChange={(event) => draft.set({ maintenance: event.currentTarget.value })}
        />
        <TextInput
          label={t('Transport')}
          description={t('Where all its mail goes instead, as smtp:[192.0.2.1]:25; empty for the usual way')}
          value={transport}
          onChange={(event) => draft.set({ transport: event.currentTarget.value })}
        />
        {kind === 'mailbox' ? (
          <TextInput
            label={t('Addresses that are not here')}
            description={t(
              'Where mail for them goes, where a part of the users is on another host, as smtp:[192.0.2.1]; empty: it is refused',
            )}
            value={unknownTo}
            onChange={(event) => draft.set({ unknownTo: event.currentTarget.value })}
          />
        ) : null}
        <Group justify="flex-end">
          <Button type="submit" loading={planned.isBusy} disabled={Object.keys(settings).length === 0}>
            {t('Save')}
          </Button>
        </Group>
        {planned.dialog}
      </Stack>
    </Form>
  );
}

function LimitsForm({ domain, etag }: SettingsProps) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const { name } = domain;
  const draft = useDraft(
    {
      mailboxes: domain.maxMailboxes ?? ('' as string | number),
      aliases: domain.maxAliases ?? ('' as string | number),
      total: sizeText(domain.totalQuotaBytes ?? 0),
      usual: sizeText(domain.defaultQuotaBytes ?? 0),
      most: sizeText(domain.maxQuotaBytes ?? 0),
    },
    etag,
  );
  const { mailboxes, aliases, total, usual, most } = draft.value;
  const areSizes = [total, usual, most].every(isSize);
  const save = async () => {
    const limits = {
      maxMailboxes: Number(mailboxes) || 0,
      maxAliases: Number(aliases) || 0,
      totalQuotaBytes: sizeOf(total),
      defaultQuotaBytes: sizeOf(usual),
      maxQuotaBytes: sizeOf(most),
    };
    const done = t('The limits of {{domain}} are set', { domain: name });
    const input = { name, ...limits };
    const changed = await planned.run({ operation: 'domain.set', input, etag: draft.etag, done, isPlain: true });
    if (changed !== undefined) draft.drop();
  };
  return (
    <Form onSubmit={save}>
      <Stack>
        <Stack gap={2}>
          <Title order={2} size="h4">
            {t('Limits')}
          </Title>
          <Text size="sm" c="dimmed">
            {t('Empty is without limit. A limit below what is there takes nothing away.')}
          </Text>
        </Stack>
        <DraftState draft={draft} change={planned} />
        <Group grow align="flex-start">
          <NumberInput
            label={t('Mailboxes')}
            min={0}
            allowDecimal={false}
            value={mailboxes}
            onChange={(next) => draft.set({ mailboxes: next })}
          />
          <NumberInput
            label={t('Aliases')}
            min={0}
            allowDecimal={false}
            value={aliases}
            onChange={(next) => draft.set({ aliases: next })}
          />
        </Group>
        <Group grow align="flex-start">
          <SizeField label={t('Quota of all together')} value={total} onChange={(next) => draft.set({ total: next })} />
          <SizeField label={t('Most for one mailbox')} value={most} onChange={(next) => draft.set({ most: next })} />
          <SizeField label={t('Of a new mailbox')} value={usual} onChange={(next) => draft.set({ usual: next })} />
        </Group>
        <Group justify="flex-end">
          <Button type="submit" loading={planned.isBusy} disabled={!areSizes}>
            {t('Set the limits')}
          </Button>
        </Group>
        {planned.dialog}
      </Stack>
    </Form>
  );
}

function GivenLimits({ domain }: { readonly domain: DomainInfo }) {
  const { t } = useTranslation();
  const none = t('no limit');
  const count = (value: number | undefined) => (value === undefined ? none : formatNumber(value));
  const size = (value: number | undefined) => (value === undefined ? none : formatBytes(value));
  const facts = [
    [t('Mailboxes'), count(domain.maxMailboxes)],
    [t('Aliases'), count(domain.maxAliases)],
    [t('Quota of all together'), size(domain.totalQuotaBytes)],
    [t('Most for one mailbox'), size(domain.maxQuotaBytes)],
    [t('Of a new mailbox'), size(domain.defaultQuotaBytes)],
  ] as const;
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        {t('Limits')}
      </Title>
      <Text size="sm" c="dimmed">
        {t('Set by the administrator of the host.')}
      </Text>
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Stack>
  );
}

function RemoveDomain({ domain, etag }: SettingsProps) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const navigate = useNavigate();
  const { name } = domain;
  const [typed, setTyped] = useState('');
  const isEmpty = domain.mailboxes + domain.aliases + domain.lists + domain.aliasDomains.length === 0;
  const remove = async () => {
    const removed = await planned.run({
      operation: 'domain.remove',
      input: { name, ...(isEmpty ? {} : { recursive: true }) },
      etag,
      title: t('Remove {{name}}?', { name }),
      confirm: t('Remove'),
      done: t('{{name}} is removed', { name }),
      asksAlways: true,
    });
    if (removed !== undefined) await navigate({ to: '/domains' });
  };
  return (
    <Form onSubmit={remove}>
      <Stack>
        <Title order={2} size="h4">
          {t('Remove the domain')}
        </Title>
        <DraftState change={planned} />
        <Alert color="red" variant="light">
          {t(
            'With it go: mailboxes {{mailboxes}}, aliases {{aliases}}, lists {{lists}}, alias domains {{names}}. All of it can be brought back for some time.',
            {
              mailboxes: formatNumber(domain.mailboxes),
              aliases: formatNumber(domain.aliases),
              lists: formatNumber(domain.lists),
              names: formatNumber(domain.aliasDomains.length),
            },
          )}
        </Alert>
        <Group align="flex-end">
          <TextInput
            label={t('Type {{name}} to go on', { name })}
            style={{ flex: '1 1 240px' }}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          <Button
            type="submit"
            color="red"
            variant="light"
            loading={planned.isBusy}
            disabled={![name, shownNames(name)].includes(typed.trim())}
          >
            {t('Remove…')}
          </Button>
        </Group>
        {planned.dialog}
      </Stack>
    </Form>
  );
}
