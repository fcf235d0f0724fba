/** Rejects when the answer has not come in so many milliseconds; a late failure of it is nobody's. */
export async function inTime<Value>(answer: Promise<Value>, milliseconds: number): Promise<Value> {
  if (milliseconds === Infinity) return answer;
  const over = Promise.withResolvers<never>();
  const timer = setTimeout(() => over.reject(new Error(`no answer within ${milliseconds / 1000} s`)), milliseconds);
  try {
    return await Promise.race([answer, over.promise]);
  } finally {
    clearTimeout(timer);
  }
}
