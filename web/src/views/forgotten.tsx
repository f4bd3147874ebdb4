// Begun.

import { Empty } from '../parts/states.tsx';

export function ForgottenView() {
  return <Empty title="ForgottenView" />;
}
