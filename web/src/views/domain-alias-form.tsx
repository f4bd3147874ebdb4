// One alias: where its mail goes, who may write to it, whether it is there. What leads to nobody is said.

import { Alert, Button, Group, Modal, Select, Stack, Switch } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Output } from '../api.ts';
import { AddressesField } from '../parts/addresses-field.tsx';
import { DraftState, Form, FormEnd, LocalpartInput, useDraft } from '../parts/form.tsx';
import { AnchorLink } from '../parts/links.tsx';
import { usePlannedChange } from '../parts/plan-preview.tsx';
import { Failed, NoAnswer } from '../parts/states.tsx';
import { useTagged } from '../parts/use-tagged.ts';
import { domainOf } from './domain-mailbox-away.tsx';
import { ObjectTags } from './object-tags.tsx';

type AliasInfo = Output<'alias.show'>;
type Post = NonNullable<AliasInfo['post']>;

interface AddAliasProps {
  readonly domain: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

export function AddAlias({ domain, isOpen, onClose }: AddAliasProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      title={t('Add an alias')}
      closeButtonProps={{ 'aria-label': t('Close') }}
      size="lg"
    >
      <AddForm domain={domain} onClose={onClose} />
    </Modal>
  );
}

function AddForm({ domain, onClose }: Omit<AddAliasProps, 'isOpen'>) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const tellUnknown = useUnknownTargets();
  const [user, setUser] = useState('');
  const [targets, setTargets] = useState<readonly string[]>([]);
  const add = async () => {
    const address = user.includes('@') ? user.trim() : `${user.trim()}@${domain}`;
    const added = await planned.run({
      operation: 'alias.add',
      input: { address, targets },
      done: t('{{address}} is there', { address }),
    });
    if (added === undefined) return;
    tellUnknown(added.unknownTargets);
    onClose();
  };
  const { problem } = planned;
  return (
    <Form onSubmit={add}>
      <Stack>
        {problem === undefined || problem.field === 'address' ? null : <Failed error={problem} />}
        <LocalpartInput
          domain={domain}
          value={user}
          onChange={setUser}
          error={problem?.field === 'address' ? problem.text : undefined}
        />
        <AddressesField
          label={t('Leads to')}
          description={t('One or many addresses, here or elsewhere; a name alone is one of this domain')}
          domain={domain}
          value={targets}
          onChange={setTargets}
          required
        />
        <FormEnd onCancel={onClose} isBusy={planned.isBusy} label={t('Add')} />
        {planned.dialog}
      </Stack>
    </Form>
  );
}

interface AliasPanelProps {
  readonly address: string;
  readonly onGone: () => void;
}

export function AliasPanel({ address, onGone }: AliasPanelProps) {
  const { data, error, refetch } = useTagged('alias.show', { address });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  return <AliasForm alias={data.value} etag={data.etag} onGone={onGone} />;
}

function AliasForm({ alias, etag, onGone }: { alias: AliasInfo; etag: string | undefined; onGone: () => void }) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const tellUnknown = useUnknownTargets();
  const { address } = alias;
  const draft = useDraft(
    {
      targets: alias.targets,
      active: alias.active !== false,
      post: alias.post ?? ('anyone' as Post),
      posters: alias.posters ?? [],
    },
    etag,
  );
  const { targets, active, post, posters } = draft.value;
  const domain = domainOf(address);
  const save = async () => {
    const input = { address, targets, active, post, posters: post === 'listed' ? posters : [] };
    const done = t('{{address}} changed', { address });
    const changed = await planned.run({ operation: 'alias.set', input, etag: draft.etag, done });
    if (changed === undefined) return;
    draft.drop();
    tellUnknown(changed.unknownTargets);
  };
  const remove = async () => {
    const removed = await planned.run({
      operation: 'alias.remove',
      input: { address },
      etag: draft.etag,
      title: t('Remove {{address}}?', { address }),
      confirm: t('Remove'),
      done: t('{{address}} is removed', { address }),
      asksAlways: true,
    });
    if (removed !== undefined) onGone();
  };
  return (
    <Form onSubmit={save}>
      <Stack>
        <DraftState draft={draft} change={planned} />
        <UnknownTargets unknown={alias.unknownTargets} />
        <AnchorLink to="/explain" search={{ address }} size="sm">
          {t('Where does its mail go?')}
        </AnchorLink>
        <AddressesField
          label={t('Leads to')}
          domain={domain}
          value={targets}
          onChange={(next) => draft.set({ targets: next })}
          required
        />
        <Select
          label={t('Who may post')}
          description={t('Others are refused, by what they say who they are')}
          allowDeselect={false}
          value={post}
          onChange={(value) => draft.set({ post: (value ?? 'anyone') as Post })}
          data={[
            { value: 'anyone', label: t('Anybody') },
            { value: 'members', label: t('Those whom it reaches') },
            { value: 'domain', label: t('Everybody of the domain') },
            { value: 'listed', label: t('Those who are named here') },
          ]}
        />
        {post === 'listed' ? (
          <AddressesField
            label={t('May post')}
            description={t('Addresses, and @example.com for a whole domain')}
            domain={domain}
            value={posters}
            onChange={(next) => draft.set({ posters: next })}
          />
        ) : null}
        <Switch
          label={t('The alias is on')}
          description={t('Off: as if it were not there')}
          checked={active}
          onChange={(event) => draft.set({ active: event.currentTarget.checked })}
        />
        <ObjectTags kind="alias" name={address} />
        <Group justify="space-between">
          <Button color="red" variant="light" loading={planned.isBusy} onClick={() => void remove()}>
            {t('Remove…')}
          </Button>
          <Button type="submit" loading={planned.isBusy}>
            {t('Save')}
          </Button>
        </Group>
        {targets.length === 0 ? (
          <Alert color="orange" variant="light">
            {t('An alias must lead somewhere: to be rid of it, remove it.')}
          </Alert>
        ) : null}
        {planned.dialog}
      </Stack>
    </Form>
  );
}

export function UnknownTargets({ unknown }: { readonly unknown: readonly string[] }) {
  const text = useUnknownText();
  return unknown.length === 0 ? null : (
    <Alert color="orange" variant="light">
      {text(unknown)}
    </Alert>
  );
}

function useUnknownText(): (unknown: readonly string[]) => string {
  const { t } = useTranslation();
  return (unknown) =>
    t('There is no {{names}} here: mail to it is refused.', { names: unknown.slice(0, 5).join(', ') });
}

/** What leads to nobody is taken, and said. */
export function useUnknownTargets(): (unknown: readonly string[]) => void {
  const { t } = useTranslation();
  const text = useUnknownText();
  return (unknown) => {
    if (unknown.length === 0) return;
    notifications.show({
      title: t('Some of it leads to nobody'),
      message: text(unknown),
      color: 'orange',
      autoClose: 15_000,
      closeButtonProps: { 'aria-label': t('Close') },
    });
  };
}
