// One mailing list: its name, who may write to it, who hears of what fails, and its members.

import { Button, Group, Modal, Select, Stack, Tabs, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Output } from '../api.ts';
import { AddressesField } from '../parts/addresses-field.tsx';
import { DraftState, Form, FormEnd, LocalpartInput, useDraft } from '../parts/form.tsx';
import { AnchorLink } from '../parts/links.tsx';
import { usePlannedChange } from '../parts/plan-preview.tsx';
import { Failed, NoAnswer } from '../parts/states.tsx';
import { useTagged } from '../parts/use-tagged.ts';
import { ListMembers } from './domain-list-members.tsx';
import { domainOf } from './domain-mailbox-away.tsx';
import { ObjectTags } from './object-tags.tsx';

type ListInfo = Output<'list.show'>;
type Post = ListInfo['post'];

interface AddListProps {
  readonly domain: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly onOpen: (address: string) => void;
}

export function AddList({ isOpen, onClose, ...props }: AddListProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      title={t('Add a list')}
      closeButtonProps={{ 'aria-label': t('Close') }}
      size="lg"
    >
      <AddForm {...props} onClose={onClose} />
    </Modal>
  );
}

function AddForm({ domain, onClose, onOpen }: Omit<AddListProps, 'isOpen'>) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const [user, setUser] = useState('');
  const [name, setName] = useState('');
  const [owners, setOwners] = useState<readonly string[]>([]);
  const { problem } = planned;
  const add = async () => {
    const address = user.includes('@') ? user.trim() : `${user.trim()}@${domain}`;
    const input = { address, owners, ...(name === '' ? {} : { name }) };
    const added = await planned.run({
      operation: 'list.add',
      input,
      done: t('{{address}} is there', { address }),
      isPlain: true,
    });
    if (added === undefined) return;
    onClose();
    onOpen(added.address);
  };
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
        <TextInput
          label={t('Name')}
          value={name}
          maxLength={255}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <AddressesField
          label={t('Owners')}
          description={t('They get what cannot be delivered')}
          domain={domain}
          value={owners}
          onChange={setOwners}
          required
        />
        <FormEnd onCancel={onClose} isBusy={planned.isBusy} label={t('Add')} />
      </Stack>
    </Form>
  );
}

interface ListPanelProps {
  readonly address: string;
  readonly onGone: () => void;
}

export function ListPanel({ address, onGone }: ListPanelProps) {
  const { t } = useTranslation();
  const { data, error, refetch } = useTagged('list.show', { address });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  return (
    <Stack gap="sm">
      <AnchorLink to="/explain" search={{ address }} size="sm">
        {t('Where does its mail go?')}
      </AnchorLink>
      <Tabs defaultValue="members" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="members">{t('Members')}</Tabs.Tab>
          <Tabs.Tab value="list">{t('The list')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="members">
          <ListMembers list={address} />
        </Tabs.Panel>
        <Tabs.Panel value="list">
          <ListForm list={data.value} etag={data.etag} onGone={onGone} />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

function ListForm({ list, etag, onGone }: { list: ListInfo; etag: string | undefined; onGone: () => void }) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const { address } = list;
  const domain = domainOf(address);
  const draft = useDraft({ name: list.name, post: list.post, owners: list.owners, posters: list.posters }, etag);
  const { name, post, owners, posters } = draft.value;
  const save = async () => {
    const input = { address, name, post, owners, posters: post === 'listed' ? posters : [] };
    const done = t('{{address}} changed', { address });
    const changed = await planned.run({ operation: 'list.set', input, etag: draft.etag, done });
    if (changed !== undefined) draft.drop();
  };
  const remove = async () => {
    const removed = await planned.run({
      operation: 'list.remove',
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
        <TextInput
          label={t('Name')}
          value={name}
          maxLength={255}
          onChange={(event) => draft.set({ name: event.currentTarget.value })}
        />
        <AddressesField
          label={t('Owners')}
          description={t('They get what cannot be delivered')}
          domain={domain}
          value={owners}
          onChange={(next) => draft.set({ owners: next })}
          required
        />
        <Select
          label={t('Who may post')}
          allowDeselect={false}
          value={post}
          onChange={(value) => draft.set({ post: (value ?? 'members') as Post })}
          data={[
            { value: 'members', label: t('Its members') },
            { value: 'domain', label: t('Everybody of the domain') },
            { value: 'listed', label: t('Those who are named here') },
            { value: 'anyone', label: t('Anybody') },
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
        <ObjectTags kind="list" name={address} />
        <Group justify="space-between">
          <Button color="red" variant="light" loading={planned.isBusy} onClick={() => void remove()}>
            {t('Remove…')}
          </Button>
          <Button type="submit" loading={planned.isBusy}>
            {t('Save')}
          </Button>
        </Group>
        {planned.dialog}
      </Stack>
    </Form>
  );
}
