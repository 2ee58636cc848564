// Page object for the workbench: what a user does, in the words of the user.
import path from 'node:path';

export class Workbench {
  constructor(page, shots) {
    this.page = page;
    this.shots = shots;
    page.setDefaultTimeout(20_000);
  }

  async screenshot(name) {
    await this.page.screenshot({ path: path.join(this.shots, `${name}.png`) });
  }

  /** Opens a view container from the activity bar; leaves it open where it is. */
  async openView(title) {
    const tab = this.page.locator(`.activitybar a.action-label[aria-label^="${title}"]`).first();
    await tab.waitFor({ timeout: 60_000 });
    const open = await tab.locator('xpath=ancestor::li').getAttribute('aria-expanded');
    if (open !== 'true') await tab.click();
  }

  /** Runs a command by its full title from the palette. */
  async command(title) {
    await this.page.keyboard.press('F1');
    const input = this.page.locator('.quick-input-widget input[type=text]').first();
    await input.waitFor();
    await input.fill(`>${title}`);
    await this.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: title }).first().click();
  }

  async openFile(name) {
    await this.page.keyboard.press('Control+P');
    const input = this.page.locator('.quick-input-widget input[type=text]').first();
    await input.waitFor();
    await input.fill(name);
    await this.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: name }).first().click();
    await this.page.getByRole('tab', { name: new RegExp(name) }).waitFor();
  }

  /** Answers a modal dialog; its text is given back. */
  async answer(button) {
    const dialog = this.page.locator('.monaco-dialog-box');
    await dialog.getByRole('button', { name: button, exact: true }).waitFor();
    const text = await dialog.innerText();
    await dialog.getByRole('button', { name: button, exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
    return text;
  }

  /** Puts the cursor into the active editor. */
  async goTo(line, column) {
    await this.page.keyboard.press('Control+G');
    const input = this.page.locator('.quick-input-widget input[type=text]').first();
    await input.waitFor();
    await input.fill(`:${line}:${column}`);
    await this.page.keyboard.press('Enter');
    await input.waitFor({ state: 'hidden' });
  }

  async theme(name) {
    await this.command('Preferences: Color Theme');
    const input = this.page.locator('.quick-input-widget input[type=text]').first();
    await this.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: 'Light Modern' }).first().waitFor();
    await input.fill(name);
    await this.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: name }).first().click();
    await input.waitFor({ state: 'hidden' });
  }

  async clearNotifications() {
    await this.command('Notifications: Clear All Notifications');
    await this.page
      .locator('.notification-toast')
      .first()
      .waitFor({ state: 'detached' })
      .catch(() => undefined);
  }

  /** The frame of the visible webview that holds `selector`. Webviews are frames in frames that come and go. */
  async webview(selector) {
    const until = Date.now() + 20_000;
    while (Date.now() < until) {
      for (const frame of this.page.frames()) {
        const found = frame.locator(selector).first();
        if (frame !== this.page.mainFrame() && (await found.isVisible().catch(() => false))) return frame;
      }
      await this.page.waitForTimeout(100);
    }
    throw new Error(`no webview holds ${selector}`);
  }
}
