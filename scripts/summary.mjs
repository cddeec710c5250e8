/**
 * Adds up what the test runs say into the one line that ends a continuous-integration run.
 *
 *   node scripts/summary.mjs <folder of results> <number of failed other steps>
 *
 * The folder holds vitest.json (vitest's JSON report), openvino.txt (which ends with `N passed, N failed`)
 * and the exit statuses vitest.status and openvino.status. A report that is missing or cannot be read
 * counts as a failure: a run that died is not a run that passed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, failedSteps] = process.argv.slice(2);
const read = (name) => readFileSync(join(folder, name), 'utf8').trimEnd();

/** Counts of vitest's JSON report; a file that does not load has no tests, so it counts itself. */
function vitestCounts() {
  const report = JSON.parse(read('vitest.json'));
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  return { passed: report.numPassedTests, failed: report.numFailedTests + brokenFiles };
}

function openvinoCounts() {
  const lastLine = read('openvino.txt').split('\n').at(-1);
  const match = /^(\d+) passed, (\d+) failed$/.exec(lastLine);
  if (match === null) {
    throw new Error('the last line of the OpenVINO suite is not "N passed, N failed"');
  }
  return { passed: Number(match[1]), failed: Number(match[2]) };
}

function countsOf(suite, readCounts) {
  try {
    const { passed, failed } = readCounts();
    // An unhandled rejection or a crash after the last test fails the run without failing a test.
    return { passed, failed: failed === 0 && read(`${suite}.status`) !== '0' ? 1 : failed };
  } catch (error) {
    console.error(`No usable result of ${suite}: ${error instanceof Error ? error.message : error}`);
    return { passed: 0, failed: 1 };
  }
}

const counts = [countsOf('vitest', vitestCounts), countsOf('openvino', openvinoCounts)];
const passed = counts.reduce((sum, count) => sum + count.passed, 0);
const failed = counts.reduce((sum, count) => sum + count.failed, Number(failedSteps));
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
