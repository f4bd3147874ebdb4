// Tokens of everybody: what programs may do, whose they are, when they were used. Removing one ends it at once.

import { ActionIcon, Badge, Button, Group, Select, Stack, TagsInput, Text, TextInput, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, type Output, type Row } from '../api.ts';
import { useAsk } from '../parts/ask.tsx';
import { BigTable, type Column } from '../parts/big-table.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Form, FormEnd } from '../parts/form.tsx';
import { formatAge, formatTime } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { SecretOnce } from '../parts/secret-once.tsx';
import { Empty, Failed } from '../parts/states.tsx';
import { useChange } from '../parts/use-change.ts';
import { useSession } from '../session.tsx';

type Token = Row<'token.list'>;

export function TokensTab() {
  const { t } = useTranslation();
  const [isAdding, { open, close }] = useDisclosure();
  const change = useChange();
  const ask = useAsk();
  const remove = ({ id, name, owner }: Token) =>
    ask(
      {
        title: t('Remove the token {{name}} of {{owner}}?', { name, owner }),
        text: t('Whatever uses it is refused from its next request on.'),
        confirm: t('Remove'),
      },
      () => void change.run(() => call('token.remove', { id }), t('Removed')),
    );
  const columns: readonly Column<Token>[] = [
    { title: t('Owner'), cell: ({ owner }) => owner, width: '2fr' },
    { title: t('What it is for'), cell: ({ name }) => name, width: '2fr' },
    { title: t('May'), cell: ({ scopes }) => <Scopes scopes={scopes} />, width: '3fr' },
    { title: t('Last used'), cell: ({ used }) => <Used used={used} />, width: '2fr' },
    { title: t('Ends'), cell: ({ expires }) => <Expiry expires={expires} />, width: '1.5fr' },
    {
      title: t('Remove'),
      width: '64px',
      cell: (row) => (
        <Tooltip label={t('Remove')}>
          <ActionIcon
            variant="subtle"
            color="red"
            aria-label={t('Remove the token {{name}} of {{owner}}', { name: row.name, owner: row.owner })}
            onClick={() => remove(row)}
          >
            <Icon name="remove" />
          </ActionIcon>
        </Tooltip>
      ),
    },
  ];
  return (
    <Stack>
      {change.problem === undefined ? null : <Failed error={change.problem} />}
      <Group justify="space-between">
        <Text size="sm" c="dimmed" maw={640}>
          {t('A token is a password for a program: it never may more than its owner may at that moment.')}
        </Text>
        <Button leftSection={<Icon name="add" />} onClick={open}>
          {t('Make a token')}
        </Button>
      </Group>
      <BigTable
        label={t('Tokens')}
        operation="token.list"
        input={{ all: true }}
        columns={columns}
        keyOf={({ id }) => String(id)}
        height="calc(100dvh - 310px)"
        empty={<Empty title={t('Nobody has a token')} />}
      />
      <AddToken isOpen={isAdding} onClose={close} />
    </Stack>
  );
}

function Scopes({ scopes }: { readonly scopes: readonly string[] }) {
  const { t } = useTranslation();
  if (scopes.includes('*'))
    return (
      <Badge variant="light" color="orange" tt="none">
        {t('everything')}
      </Badge>
    );
  return (
    <Text size="sm" span className="mono" title={scopes.join(' ')}>
      {scopes.join(' ')}
    </Text>
  );
}

function Used({ used }: { readonly used: Token['used'] | undefined }) {
  const { t } = useTranslation();
  if (used === undefined) return t('never');
  return t('{{age}}, from {{address}}', { age: formatAge(used.time), address: used.address });
}

function Expiry({ expires }: { readonly expires?: number | undefined }) {
  const { t } = useTranslation();
  if (expires === undefined || expires === 0) return t('never');
  if (expires > Date.now()) return formatTime(expires);
  return (
    <Badge variant="light" color="red" tt="none">
      {t('has ended')}
    </Badge>
  );
}

const day = 86_400_000;

function AddToken({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  const { t } = useTranslation();
  const [made, setMade] = useState<Output<'token.add'>>();
  const end = () => {
    onClose();
    setMade(undefined);
  };
  return (
    <Dialog opened={isOpen} onClose={end} title={t('Make a token')}>
      {made === undefined ? (
        <AddTokenForm onMade={setMade} onCancel={end} />
      ) : (
        <SecretOnce
          title={t('The token {{name}} of {{owner}}', { name: made.name, owner: made.owner })}
          text={t('Give it to the program as Authorization: Bearer. Nobody can see it again:')}
          secret={made.secret}
          onClose={end}
        />
      )}
    </Dialog>
  );
}

interface AddTokenFormProps {
  readonly onMade: (made: Output<'token.add'>) => void;
  readonly onCancel: () => void;
}

function AddTokenForm({ onMade, onCancel }: AddTokenFormProps) {
  const { t } = useTranslation();
  const change = useChange();
  const { login } = useSession();
  const [owner, setOwner] = useState(login);
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<string[]>(['*:read']);
  const [days, setDays] = useState('90');
  const add = () =>
    change.run(async () => {
      const expires = days === '0' ? 0 : Date.now() + Number(days) * day;
      onMade(await call('token.add', { owner: owner.trim(), name: name.trim(), scopes, expires }));
    });
  return (
    <Form onSubmit={add}>
      <Stack>
        {change.problem === undefined ? null : <Failed error={change.problem} />}
        <TextInput
          label={t('What it is for')}
          required
          data-autofocus
          maxLength={64}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TextInput
          label={t('Owner')}
          description={t("An administrator's login, or the address of a mailbox")}
          required
          value={owner}
          onChange={(event) => setOwner(event.currentTarget.value)}
        />
        <TagsInput
          label={t('May')}
          description={t('As mailbox:read, alias:write, queue:*; * alone is everything that the owner may')}
          data={['*', '*:read', 'domain:*', 'mailbox:*', 'alias:*', 'list:*', 'queue:*', 'setting:read', 'trace:read']}
          value={scopes}
          onChange={setScopes}
          clearable
          clearButtonProps={{ 'aria-label': t('None') }}
        />
        <Select
          label={t('Ends')}
          allowDeselect={false}
          value={days}
          onChange={(value) => setDays(value ?? '90')}
          data={[
            { value: '7', label: t('in a week') },
            { value: '90', label: t('in 90 days') },
            { value: '365', label: t('in a year') },
            { value: '0', label: t('never') },
          ]}
        />
        <FormEnd onCancel={onCancel} isBusy={change.isBusy} label={t('Make it')} isDisabled={scopes.length === 0} />
      </Stack>
    </Form>
  );
}
