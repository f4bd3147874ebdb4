// Begun.

import { Empty } from '../parts/states.tsx';

export function AccountView() {
  return <Empty title="AccountView" />;
}
