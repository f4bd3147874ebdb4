// Where the owner of a mailbox gets a link when the password is forgotten: an address elsewhere, shown to be theirs by a code.

import { Button, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, useCall } from '../api.ts';
import { notify } from '../parts/notify.ts';
import { Dialog } from '../parts/dialog.tsx';
import { AskPassword } from '../parts/ask-password.tsx';
import { Section } from '../parts/section.tsx';
import { Failed, Loading } from '../parts/states.tsx';
import { useSubmit } from '../parts/use-submit.ts';
import { OnOff } from './on-off.tsx';

export function RecoverySection() {
  const { t } = useTranslation();
  const recovery = useCall('account.recovery', {});
  const [isSetting, setting] = useDisclosure();
  const [isRemoving, removing] = useDisclosure();
  const { address, started } = recovery.data ?? {};
  return (
    <Section
      title={t('When the password is forgotten')}
      note={t(
        'A link to a new password is then mailed to an address of yours elsewhere. Without one, only an administrator of your domain can help.',
      )}
      state={<OnOff isOn={address !== undefined} />}
    >
      {recovery.isPending ? <Loading /> : null}
      {recovery.error === null ? null : <Failed error={recovery.error} onRetry={() => void recovery.refetch()} />}
      {address === undefined ? null : (
        <Text size="sm">
          {t('Links go to:')} <strong>{address}</strong>
        </Text>
      )}
      {started === undefined ? null : (
        <Text size="sm">
          {t('Waits for its code:')} <strong>{started.address}</strong>
        </Text>
      )}
      <Group>
        <Button variant={address === undefined ? 'filled' : 'default'} onClick={setting.open}>
          {started !== undefined
            ? t('Type the code')
            : address === undefined
              ? t('Set a recovery address')
              : t('Change it')}
        </Button>
        {address === undefined ? null : (
          <Button variant="light" color="red" onClick={removing.open}>
            {t('Remove')}
          </Button>
        )}
      </Group>
      <Dialog opened={isSetting} onClose={setting.close} title={t('Recovery address')}>
        <SetAddress started={started?.address} onDone={setting.close} />
      </Dialog>
      <AskPassword
        title={t('Remove the recovery address?')}
        action={t('Remove')}
        isDangerous
        isOpen={isRemoving}
        onClose={removing.close}
        run={(password) => call('account.recovery-remove', { password })}
        done={t('There is no recovery address any more')}
      />
    </Section>
  );
}

interface SetAddressProps {
  /** The address that waits for its code. */
  readonly started: string | undefined;
  readonly onDone: () => void;
}

function SetAddress({ started, onDone }: SetAddressProps) {
  const [waiting, setWaiting] = useState(started);
  return waiting === undefined ? (
    <AddressForm onDone={setWaiting} />
  ) : (
    <CodeForm address={waiting} onDone={onDone} onOther={() => setWaiting(undefined)} />
  );
}

function AddressForm({ onDone }: { readonly onDone: (address: string) => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const submit = useSubmit(['address', 'password']);
  const form = useForm({ initialValues: { address: '', password: '' } });
  const send = form.onSubmit(async (input) => {
    await submit.run(async () => {
      const { address } = await call('account.recovery-start', input);
      await queries.invalidateQueries();
      onDone(address);
    }, form.setFieldError);
  });
  return (
    <form onSubmit={send}>
      <Stack>
        {submit.error === undefined ? null : <Failed error={submit.error} />}
        <TextInput
          label={t('Address elsewhere')}
          description={t('Of another provider, which you can read without this mailbox')}
          type="email"
          required
          data-autofocus
          autoComplete="email"
          {...form.getInputProps('address')}
        />
        <PasswordInput
          label={t('Your password')}
          required
          autoComplete="current-password"
          visibilityToggleButtonProps={{ 'aria-label': t('Show the password') }}
          {...form.getInputProps('password')}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={submit.isBusy}>
            {t('Mail a code to it')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface CodeFormProps {
  readonly address: string;
  readonly onDone: () => void;
  readonly onOther: () => void;
}

function CodeForm({ address, onDone, onOther }: CodeFormProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const submit = useSubmit(['code']);
  const form = useForm({ initialValues: { code: '' } });
  const confirm = form.onSubmit(async ({ code }) => {
    const isDone = await submit.run(async () => {
      await call('account.recovery-confirm', { code });
    }, form.setFieldError);
    if (!isDone) return;
    await queries.invalidateQueries();
    notify(t('The recovery address is set'));
    onDone();
  });
  return (
    <form onSubmit={confirm}>
      <Stack>
        <Text size="sm">{t('A code is on its way to {{address}}. It is good for half an hour.', { address })}</Text>
        {submit.error === undefined ? null : <Failed error={submit.error} />}
        <TextInput
          label={t('Code from the letter')}
          required
          data-autofocus
          autoFocus
          autoComplete="one-time-code"
          autoCapitalize="none"
          spellCheck={false}
          {...form.getInputProps('code')}
        />
        <Group justify="space-between">
          <Button variant="subtle" onClick={onOther}>
            {t('Another address')}
          </Button>
          <Button type="submit" loading={submit.isBusy}>
            {t('Confirm')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
