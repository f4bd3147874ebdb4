// A new password, where somebody else made the one so far or it has run out.

import { Button, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useLogout } from '../session.tsx';
import { Door } from '../views/login.tsx';
import { NewPasswordForm } from './new-password-form.tsx';

export function NewPasswordView({ login }: { readonly login: string }) {
  const { t } = useTranslation();
  const logout = useLogout();
  return (
    <Door title={t('Choose a new password')}>
      <Text size="sm" mb="md">
        {t(
          'The password that you have logged in with was made by somebody else, or its time is over. From now on only you should know it.',
        )}
      </Text>
      <Stack>
        <NewPasswordForm login={login} />
        <Button variant="subtle" color="gray" onClick={() => void logout()}>
          {t('Log out')}
        </Button>
      </Stack>
    </Door>
  );
}
