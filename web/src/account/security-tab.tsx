// What protects an account: its password, codes of an app, passkeys, and the way back when the password is forgotten.

import { Button, Group, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, type Output, useCall } from '../api.ts';
import { notify } from '../parts/notify.ts';
import { Dialog } from '../parts/dialog.tsx';
import { NewPasswordForm } from '../login/new-password-form.tsx';
import { AskPassword } from '../parts/ask-password.tsx';
import { Section } from '../parts/section.tsx';
import { NoAnswer } from '../parts/states.tsx';
import { TotpSetup } from '../parts/totp-setup.tsx';
import { useSession } from '../session.tsx';
import { OnOff } from './on-off.tsx';
import { PasskeysSection } from './passkeys-section.tsx';
import { RecoverySection } from './recovery-section.tsx';

export function SecurityTab() {
  const { role } = useSession();
  const factors = useCall('account.second-factors', {});
  if (factors.data === undefined) return <NoAnswer error={factors.error} onRetry={() => void factors.refetch()} />;
  return (
    <Stack maw={860}>
      <PasswordSection />
      <CodesSection isOn={factors.data.totp} />
      <PasskeysSection passkeys={factors.data.passkeys} />
      {role === 'user' ? <RecoverySection /> : null}
    </Stack>
  );
}

function PasswordSection() {
  const { t } = useTranslation();
  const { login, role } = useSession();
  const [isOpen, { open, close }] = useDisclosure();
  const [left, setLeft] = useState({ tokens: 0, passkeys: 0, appPasswords: 0 });
  const done = ({ tokens, passkeys, appPasswords }: Output<'account.password'>) => {
    close();
    notify(t('The password is changed; all other sessions have ended'));
    setLeft({ tokens, passkeys, appPasswords });
  };
  return (
    <Section
      title={t('Password')}
      note={
        role === 'user'
          ? t(
              'For this page and for mail programs. All other sessions of this page end when it is changed; app passwords stay.',
            )
          : t('All other sessions end when it is changed.')
      }
    >
      {left.tokens === 0 ? null : (
        <Text size="sm" role="status">
          {t('API tokens that go on: {{count}}. Remove under Tokens what you do not know.', { count: left.tokens })}
        </Text>
      )}
      {left.passkeys === 0 ? null : (
        <Text size="sm" role="status">
          {t('Passkeys that go on: {{count}}. Remove below what you do not know.', { count: left.passkeys })}
        </Text>
      )}
      {left.appPasswords === 0 ? null : (
        <Text size="sm" role="status">
          {t('App passwords that go on: {{count}}. Remove under My mailbox what you do not know.', {
            count: left.appPasswords,
          })}
        </Text>
      )}
      <Group>
        <Button variant="default" onClick={open}>
          {t('Change the password')}
        </Button>
      </Group>
      <Dialog opened={isOpen} onClose={close} title={t('Change the password')}>
        <NewPasswordForm login={login} onDone={done} />
      </Dialog>
    </Section>
  );
}

function CodesSection({ isOn }: { readonly isOn: boolean }) {
  const { t } = useTranslation();
  const { login } = useSession();
  const [isAdding, adding] = useDisclosure();
  const [isRemoving, removing] = useDisclosure();
  const removed = (password: string, code: string) => call('account.totp-remove', { password, code });
  return (
    <Section
      title={t('Codes of an app')}
      note={t(
        'A code that changes every half minute, besides the password: who has the password alone does not get in here. Mail programs do not know such codes; app passwords are for them.',
      )}
      state={<OnOff isOn={isOn} />}
    >
      <Group>
        {isOn ? (
          <Button variant="light" color="red" onClick={removing.open}>
            {t('Switch off')}
          </Button>
        ) : (
          <Button onClick={adding.open}>{t('Set up')}</Button>
        )}
      </Group>
      <Dialog opened={isAdding} onClose={adding.close} title={t('Set up codes of an app')} size="lg">
        <TotpSetup login={login} onDone={adding.close} />
      </Dialog>
      <AskPassword
        title={t('Switch the codes off?')}
        action={t('Switch off')}
        isDangerous
        asksCode
        isOpen={isRemoving}
        onClose={removing.close}
        run={removed}
        done={t('Codes are asked for no more')}
      >
        <Text size="sm">{t('From then on the password alone is enough. The recovery codes are void.')}</Text>
      </AskPassword>
    </Section>
  );
}
