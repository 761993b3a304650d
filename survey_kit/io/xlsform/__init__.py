"""XLSForm, the questionnaire workbook of ODK and KoboToolbox, as a codebook."""
