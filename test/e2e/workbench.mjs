// Page object for the workbench: what a user does, in the words of the user.
import path from 'node:path';

export class Workbench {
  constructor(page, shots) {
    this.page = page;
    this.shots = shots;
    page.setDefaultTimeout(20_000);
  }

  async screenshot(name) {
    // Transitions are at their end: no half-faded palette over what is shown.
    await this.page.screenshot({ path: path.join(this.shots, `${name}.png`), animations: 'disabled' });
  }

  /** Opens a view container from the activity bar; leaves it open where it is. */
  async openView(title) {
    const tab = this.page.locator(`.activitybar a.action-label[aria-label^="${title}"]`).first();
    await tab.waitFor({ timeout: 60_000 });
    const open = await tab.locator('xpath=ancestor::li').getAttribute('aria-expanded');
    if (open !== 'true') await tab.click();
  }

  /** Opens a quick input and types into it. It closes when an editor takes the focus meanwhile: then once more. */
  async #ask(key, text) {
    const input = this.page.locator('.quick-input-widget input[type=text]').first();
    for (let attempt = 1; ; attempt++) {
      await this.page.keyboard.press(key);
      try {
        await input.waitFor({ timeout: 5_000 });
        await input.fill(text, { timeout: 5_000 });
        return input;
      } catch (error) {
        if (attempt === 4) throw error;
      }
    }
  }

  /** Runs a command by its full title from the palette. */
  async command(title) {
    await this.#ask('F1', `>${title}`);
    await this.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: title }).first().click();
  }

  async openFile(name) {
    await this.#ask('Control+P', name);
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
    const input = await this.#ask('Control+G', `:${line}:${column}`);
    await this.page.keyboard.press('Enter');
    await input.waitFor({ state: 'hidden' });
  }

  /** Opens the menu of the lightbulb at the cursor. It closes when the editor changes meanwhile: then once more. */
  async lightbulb(title) {
    await this.page.locator('.codicon-light-bulb, [class*=codicon-gutter-lightbulb]').first().waitFor();
    const action = this.page.locator('.action-widget').getByText(title).first();
    for (let attempt = 1; ; attempt++) {
      await this.page.keyboard.press('Control+.');
      try {
        await action.waitFor({ timeout: 5_000 });
        return action;
      } catch (error) {
        if (attempt === 4) throw error;
        await this.page.keyboard.press('Escape');
      }
    }
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

  /** Makes the side bar wider by dragging its edge. */
  async widenSideBar(pixels) {
    const { x, y, width, height } = await this.page.locator('.part.sidebar').boundingBox();
    const from = [x + width + 1, y + height - 40];
    await this.page.mouse.move(...from);
    await this.page.mouse.down();
    await this.page.mouse.move(from[0] + pixels, from[1], { steps: 4 });
    await this.page.mouse.up();
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
