// Passkeys of whoever is logged in: added with a name, removed with a word on what it means.

import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, type Output } from '../api.ts';
import { useAsk } from '../parts/ask.tsx';
import { notify } from '../parts/notify.ts';
import { Dialog } from '../parts/dialog.tsx';
import { rememberPasskey } from '../login/passkey-here.ts';
import { SmallTable } from '../parts/big-table.tsx';
import { FormEnd } from '../parts/form.tsx';
import { formatAge, formatTime } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { canMakePasskeys, makePasskey } from '../parts/passkey.ts';
import { programName } from '../parts/program-name.ts';
import { Section } from '../parts/section.tsx';
import { Failed } from '../parts/states.tsx';
import { useChange } from '../parts/use-change.ts';

type Passkey = Output<'account.second-factors'>['passkeys'][number];

export function PasskeysSection({ passkeys }: { readonly passkeys: readonly Passkey[] }) {
  const { t } = useTranslation();
  const change = useChange();
  const [isAdding, { open, close }] = useDisclosure();
  const ask = useAsk();
  const remove = ({ id, name }: Passkey) =>
    ask(
      {
        title: t('Remove the passkey "{{name}}"?', { name }),
        text: t('Nobody logs in with it any more. Delete it on the device too.'),
        confirm: t('Remove'),
      },
      () => void change.run(() => call('account.passkey-remove', { id }), t('The passkey is removed')),
    );
  return (
    <Section
      title={t('Passkeys')}
      note={t(
        'Log in here with the fingerprint, face or PIN of a device, or a security key: without a password, and safe from pages that only look like this one.',
      )}
    >
      {change.problem === undefined ? null : <Failed error={change.problem} />}
      {passkeys.length === 0 ? (
        <Text size="sm">{t('There is none yet.')}</Text>
      ) : (
        <SmallTable
          label={t('Passkeys')}
          rows={passkeys}
          keyOf={({ id }) => String(id)}
          columns={[
            { title: t('Name'), cell: ({ name }) => name },
            { title: t('Added'), cell: ({ created }) => formatTime(created) },
            { title: t('Last use'), cell: ({ used }) => (used === undefined ? t('never') : formatAge(used)) },
            {
              title: t('Action'),
              isNumber: true,
              cell: (passkey) => (
                <Button
                  size="compact-sm"
                  variant="subtle"
                  color="red"
                  aria-label={t('Remove {{name}}', { name: passkey.name })}
                  onClick={() => remove(passkey)}
                >
                  {t('Remove')}
                </Button>
              ),
            },
          ]}
        />
      )}
      {canMakePasskeys() ? (
        <Group>
          <Button
            leftSection={<Icon name="add" />}
            onClick={open}
            variant={passkeys.length === 0 ? 'filled' : 'default'}
          >
            {t('Add a passkey')}
          </Button>
        </Group>
      ) : (
        <Text size="sm">
          {t('This browser makes none here: open the page by HTTPS, under a name rather than an address.')}
        </Text>
      )}
      <Dialog opened={isAdding} onClose={close} title={t('Add a passkey')}>
        <AddPasskey onDone={close} />
      </Dialog>
    </Section>
  );
}

function AddPasskey({ onDone }: { readonly onDone: () => void }) {
  const { t } = useTranslation();
  const change = useChange();
  const { browser, system } = programName(navigator.userAgent);
  const [name, setName] = useState(system ?? browser);
  const [isDeclined, setDeclined] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setDeclined(false);
    let isMade = false;
    await change.run(async () => {
      const response = await makePasskey(await call('account.passkey-options', {}));
      if (response === undefined) return setDeclined(true);
      await call('account.passkey-add', { name: name.trim(), response });
      rememberPasskey();
      isMade = true;
    });
    if (!isMade) return;
    notify(t('The passkey is added'));
    onDone();
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        {change.problem === undefined ? null : <Failed error={change.problem} />}
        {isDeclined ? (
          <Text size="sm" c="red" role="alert">
            {t(
              'The browser has made none: it was cancelled, took too long, or this device has one for this account already.',
            )}
          </Text>
        ) : null}
        <TextInput
          label={t('Name')}
          description={t('By which you will know the device')}
          required
          maxLength={64}
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Text size="sm" c="dimmed">
          {t('Your browser then asks where to keep the passkey.')}
        </Text>
        <FormEnd onCancel={onDone} isBusy={change.isBusy} label={t('Go on')} />
      </Stack>
    </form>
  );
}
