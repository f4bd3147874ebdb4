// A new mailbox: its address, its owner's name, and a password that is made and shown once, or typed.

import { Alert, Button, Group, PasswordInput, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Output } from '../api.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Dialog, useHeldOpen } from '../parts/dialog.tsx';
import { Form, FormEnd, LocalpartInput } from '../parts/form.tsx';
import { usePlannedChange } from '../parts/plan-preview.tsx';
import { isSize, SizeField, sizeOf, sizeText } from '../parts/size-field.tsx';
import { Failed } from '../parts/states.tsx';
import type { DomainInfo } from './domain-state.tsx';

interface AddMailboxProps {
  readonly domain: DomainInfo;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  /** To go on with the one that was added. */
  readonly onOpen: (address: string) => void;
}

export function AddMailbox({ isOpen, onClose, ...props }: AddMailboxProps) {
  const { t } = useTranslation();
  return (
    <Dialog opened={isOpen} onClose={onClose} title={t('Add a mailbox')} size="lg">
      <AddForm {...props} onClose={onClose} />
    </Dialog>
  );
}

function AddForm({ domain, onClose, onOpen }: Omit<AddMailboxProps, 'isOpen'>) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const usual = sizeText(domain.defaultQuotaBytes ?? 0);
  const [user, setUser] = useState('');
  const [name, setName] = useState('');
  const [quota, setQuota] = useState(usual);
  const [isMade, setMade] = useState(true);
  const [password, setPassword] = useState('');
  const [added, setAdded] = useState<Output<'mailbox.add'>>();
  if (added !== undefined) {
    return (
      <Added
        address={added.address}
        password={added.password}
        onClose={onClose}
        onOpen={() => {
          onClose();
          onOpen(added.address);
        }}
      />
    );
  }
  const add = async () => {
    const input = {
      address: user.includes('@') ? user.trim() : `${user.trim()}@${domain.name}`,
      ...(name === '' ? {} : { name }),
      ...(quota === usual ? {} : { quotaBytes: sizeOf(quota) }),
      ...(isMade ? {} : { password }),
    };
    const done = t('{{address}} is there', { address: input.address });
    setAdded(await planned.run({ operation: 'mailbox.add', input, done, isPlain: true }));
  };
  const { problem } = planned;
  return (
    <Form onSubmit={add}>
      <Stack>
        {problem === undefined || problem.field === 'address' ? null : <Failed error={problem} />}
        <LocalpartInput
          domain={domain.name}
          value={user}
          onChange={setUser}
          error={problem?.field === 'address' ? problem.text : undefined}
        />
        <TextInput
          label={t("The owner's name")}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <SizeField label={t('Quota')} value={quota} onChange={setQuota} />
        <Switch
          label={t('Make a password and show it once')}
          checked={isMade}
          onChange={(event) => setMade(event.currentTarget.checked)}
        />
        {isMade ? null : (
          <PasswordInput
            label={t('Password')}
            required
            autoComplete="new-password"
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
        )}
        <FormEnd onCancel={onClose} isBusy={planned.isBusy} label={t('Add')} isDisabled={!isSize(quota)} />
      </Stack>
    </Form>
  );
}

interface AddedProps {
  readonly address: string;
  readonly password: string | undefined;
  readonly onClose: () => void;
  readonly onOpen: () => void;
}

function Added({ address, password, onClose, onOpen }: AddedProps) {
  const { t } = useTranslation();
  useHeldOpen(password !== undefined);
  return (
    <Stack>
      <Alert color="green" variant="light" title={t('{{address}} is there', { address })}>
        {password === undefined ? t('It takes mail and logins now.') : <MadePassword password={password} />}
      </Alert>
      <Group justify="flex-end">
        <Button variant="default" onClick={onOpen}>
          {t('Open it')}
        </Button>
        <Button onClick={onClose} autoFocus>
          {t('Done')}
        </Button>
      </Group>
    </Stack>
  );
}

export function MadePassword({ password }: { readonly password: string }) {
  const { t } = useTranslation();
  return (
    <Stack gap="xs" align="flex-start">
      <Text size="sm">{t('Its password, which nobody can see again:')}</Text>
      <Text className="mono" fw={700}>
        {password}
      </Text>
      <CopyButton text={password} what={t('the password')} />
    </Stack>
  );
}
