// Before any test: the page is built, once, for those that open it in a browser.

import { buildWeb } from '../scripts/build-web.ts';

export function setup(): void {
  buildWeb();
}
