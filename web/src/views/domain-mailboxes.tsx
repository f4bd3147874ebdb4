// The mailboxes of a domain: added with a password that is shown once, changed in a drawer, removed with a word on what goes.

import { Alert, Badge, Button, CopyButton, Drawer, Group, Modal, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { modals } from '@mantine/modals';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, type Output, type Row } from '../api.ts';
import { BigTable, type Column } from '../parts/big-table.tsx';
import { formatBytes, formatTime, parseBytes } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { Empty, Failed } from '../parts/states.tsx';
import { useChange } from '../parts/use-change.ts';

type MailboxInfo = Row<'mailbox.list'>;

export function MailboxesTab({ domain }: { readonly domain: string }) {
  const { t } = useTranslation();
  const [isAdding, { open, close }] = useDisclosure();
  const [chosen, setChosen] = useState<MailboxInfo>();
  const columns: readonly Column<MailboxInfo>[] = [
    { title: t('Mailbox'), cell: ({ address }) => address, width: '2fr' },
    { title: t('Name'), cell: ({ name }) => name, width: '2fr' },
    {
      title: t('Quota'),
      cell: ({ quotaBytes }) => (quotaBytes === 0 ? t('none') : formatBytes(quotaBytes)),
      isNumber: true,
    },
    { title: t('State'), cell: (row) => <MailboxState mailbox={row} />, width: '2fr' },
  ];
  const add = (
    <Button leftSection={<Icon name="add" />} onClick={open}>
      {t('Add a mailbox')}
    </Button>
  );
  return (
    <Stack>
      <Group justify="flex-end">{add}</Group>
      <BigTable
        label={t('Mailboxes of {{domain}}', { domain })}
        operation="mailbox.list"
        input={{ domain }}
        columns={columns}
        keyOf={({ address }) => address}
        onOpen={setChosen}
        height="calc(100dvh - 340px)"
        empty={<Empty title={t('No mailbox yet')} />}
      />
      <AddMailbox domain={domain} isOpen={isAdding} onClose={close} />
      <Drawer
        opened={chosen !== undefined}
        onClose={() => setChosen(undefined)}
        position="right"
        title={chosen?.address}
        size="md"
      >
        {chosen === undefined ? null : (
          <MailboxForm key={chosen.address} mailbox={chosen} onDone={() => setChosen(undefined)} />
        )}
      </Drawer>
    </Stack>
  );
}

function MailboxState({ mailbox }: { readonly mailbox: MailboxInfo }) {
  const { t } = useTranslation();
  const words = [
    ...(mailbox.enabled ? [] : [t('off')]),
    ...(mailbox.maintenance === undefined ? [] : [t('maintenance')]),
    ...(mailbox.vacation === undefined ? [] : [t('vacation')]),
  ];
  return (
    <Group gap={6} wrap="nowrap">
      {words.map((word) => (
        <Badge key={word} variant="light" color="orange" tt="none">
          {word}
        </Badge>
      ))}
    </Group>
  );
}

function AddMailbox({ domain, isOpen, onClose }: AddProps) {
  const { t } = useTranslation();
  const change = useChange();
  const [user, setUser] = useState('');
  const [name, setName] = useState('');
  const [made, setMade] = useState<Output<'mailbox.add'>>();
  const end = () => {
    onClose();
    setUser('');
    setName('');
    setMade(undefined);
  };
  const add = () =>
    change.run(async () => {
      const input = { address: `${user.trim()}@${domain}`, ...(name === '' ? {} : { name }) };
      setMade(await call('mailbox.add', input));
    });
  return (
    <Modal opened={isOpen} onClose={end} title={t('Add a mailbox')}>
      {made === undefined ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void add();
          }}
        >
          <Stack>
            {change.problem === undefined ? null : <Failed error={change.problem} />}
            <TextInput
              label={t('Address')}
              required
              data-autofocus
              rightSection={<Text size="sm">@{domain}</Text>}
              rightSectionWidth={`${domain.length + 3}ch`}
              value={user}
              onChange={(event) => setUser(event.currentTarget.value)}
            />
            <TextInput
              label={t("The owner's name")}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            <Text size="sm" c="dimmed">
              {t('A password is made and shown once.')}
            </Text>
            <Group justify="flex-end">
              <Button variant="default" onClick={end}>
                {t('Cancel')}
              </Button>
              <Button type="submit" loading={change.isBusy}>
                {t('Add')}
              </Button>
            </Group>
          </Stack>
        </form>
      ) : (
        <Made address={made.address} password={made.password ?? ''} onClose={end} />
      )}
    </Modal>
  );
}

interface AddProps {
  readonly domain: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

function Made({
  address,
  password,
  onClose,
}: {
  readonly address: string;
  readonly password: string;
  readonly onClose: () => void;
}) {
  const { t } = useTranslation();
  return (
    <Stack>
      <Alert color="green" title={t('{{address}} is there', { address })}>
        <Text size="sm">{t('Its password, which nobody can see again:')}</Text>
        <Text className="mono" fw={700} my="xs">
          {password}
        </Text>
        <CopyButton value={password}>
          {({ copied, copy }) => (
            <Button size="xs" variant="default" onClick={copy}>
              {copied ? t('Copied') : t('Copy')}
            </Button>
          )}
        </CopyButton>
      </Alert>
      <Group justify="flex-end">
        <Button onClick={onClose} data-autofocus>
          {t('Done')}
        </Button>
      </Group>
    </Stack>
  );
}

function MailboxForm({ mailbox, onDone }: { readonly mailbox: MailboxInfo; readonly onDone: () => void }) {
  const { t } = useTranslation();
  const change = useChange();
  const { address } = mailbox;
  const [name, setName] = useState(mailbox.name);
  const [quota, setQuota] = useState(mailbox.quotaBytes === 0 ? '' : formatBytes(mailbox.quotaBytes));
  const [isEnabled, setEnabled] = useState(mailbox.enabled);
  const [password, setPassword] = useState('');
  const isQuotaKnown = quota === '' || quota === formatBytes(mailbox.quotaBytes) || !Number.isNaN(parseBytes(quota));
  const save = async () => {
    const isSameQuota = quota === formatBytes(mailbox.quotaBytes);
    const input = {
      address,
      ...(name === mailbox.name ? {} : { name }),
      ...(isSameQuota ? {} : { quotaBytes: quota === '' ? 0 : parseBytes(quota) }),
      ...(isEnabled === mailbox.enabled ? {} : { enabled: isEnabled }),
      ...(password === '' ? {} : { password }),
    };
    if (await change.run(() => call('mailbox.set', input), t('Saved'))) onDone();
  };
  const remove = () =>
    modals.openConfirmModal({
      title: t('Remove {{address}}?', { address: mailbox.address }),
      children: (
        <Text size="sm">{t('Its mail is kept for some time, and the mailbox can be restored until then.')}</Text>
      ),
      labels: { confirm: t('Remove'), cancel: t('Cancel') },
      confirmProps: { color: 'red' },
      onConfirm: () =>
        void change
          .run(() => call('mailbox.remove', { address }), t('Removed'))
          .then((isDone) => {
            if (isDone) onDone();
          }),
    });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <Stack>
        {change.problem === undefined ? null : <Failed error={change.problem} />}
        <TextInput
          label={t("The owner's name")}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TextInput
          label={t('Quota')}
          description={t('As 500M or 2G; empty for none')}
          value={quota}
          error={isQuotaKnown ? undefined : t('Write a size, as 500M or 2G')}
          onChange={(event) => setQuota(event.currentTarget.value)}
        />
        <TextInput
          label={t('New password')}
          description={t('Empty: it stays')}
          type="password"
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <Switch
          label={t('Takes mail and logins')}
          checked={isEnabled}
          onChange={(event) => setEnabled(event.currentTarget.checked)}
        />
        <Text size="sm" c="dimmed">
          {t('Added {{time}}', { time: formatTime(mailbox.created) })}
        </Text>
        <Group justify="space-between">
          <Button variant="light" color="red" leftSection={<Icon name="remove" />} onClick={remove}>
            {t('Remove')}
          </Button>
          <Button type="submit" loading={change.isBusy} disabled={!isQuotaKnown}>
            {t('Save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
