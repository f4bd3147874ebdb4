// The session has ended while somebody works: the login stands above the view, which stays as it is with all that has been
// typed. Whoever logs in as somebody else begins with views of their own.

import { Button, Modal, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Session } from '../session.tsx';
import { LoginForm } from './login-form.tsx';

interface LoginAgainProps {
  readonly former: Session;
  readonly onDone: (session: Session) => void;
  /** To the door, as nobody. */
  readonly onLeave: () => void;
}

export function LoginAgain({ former, onDone, onLeave }: LoginAgainProps) {
  const { t } = useTranslation();
  return (
    <Modal opened onClose={() => undefined} withCloseButton={false} zIndex={500} title={t('Your session has ended')}>
      <Stack>
        <Text size="sm">
          {t(
            'It was not used for two hours, lasted twelve, was ended elsewhere, or the password has changed. Log in to go on: what you have typed is still there.',
          )}
        </Text>
        <LoginForm former={former.login} onDone={onDone} />
        <Button variant="subtle" color="gray" onClick={onLeave}>
          {t('Leave it')}
        </Button>
      </Stack>
    </Modal>
  );
}
